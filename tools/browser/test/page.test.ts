/** The example page, clicked through in Chromium. */
import { execFileSync } from 'node:child_process';
import { chromium, type Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { serve } from '../../../examples/browser/serve.mjs';

const program = ['chromium', 'chromium-browser', 'google-chrome'].flatMap((name) => {
  try {
    return [execFileSync('which', [name], { encoding: 'utf8' }).trim()];
  } catch {
    return [];
  }
})[0];

/** By itself playwright waits for half a minute. */
const patienceMs = 120_000;

const shown = (page: Page): Promise<string[]> => page.locator('#notes span').allTextContents();

test.runIf(program !== undefined)(
  'notes are added, ticked off and taken back, and the slider shows what was',
  async () => {
    const server = await serve();
    const browser = await chromium.launch({ executablePath: program!, args: ['--no-sandbox'], timeout: patienceMs });
    try {
      const page = await browser.newPage();
      page.setDefaultTimeout(patienceMs);
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(String(error)));
      await page.goto(server.url);
      await page.waitForSelector('body[data-ready=yes]');
      for (const text of ['milk', 'bread', 'tea']) {
        await page.fill('#text', text);
        await page.press('#text', 'Enter');
        await page.waitForSelector(`#notes li:last-child span:text-is("${text}")`);
      }
      await page.locator('#notes span').first().click();
      await page.waitForSelector('#notes .done');
      await page.locator('#notes button').nth(1).click();
      await page.waitForFunction("document.querySelectorAll('#notes li').length === 2");
      expect(await shown(page)).toEqual(['milk', 'tea']);

      await page.click('#undo');
      await page.waitForFunction("document.querySelectorAll('#notes li').length === 3");
      await page.click('#undo');
      await page.waitForFunction("document.querySelector('#notes .done') === null");
      expect(await shown(page)).toEqual(['milk', 'bread', 'tea']);

      await page.fill('#time', '3');
      await page.waitForFunction("document.querySelectorAll('#notes li').length === 2");
      expect(await shown(page)).toEqual(['milk', 'bread']);
      expect(await page.locator('#when').textContent()).toBe('revision 3 of 8');
      await page.click('#back');
      await page.waitForSelector('#when:text-is("now (revision 9)")');
      expect(await shown(page)).toEqual(['milk', 'bread']);
      expect(await page.locator('#log li').first().textContent()).toBe('9 delete note/000003');
      expect(await page.locator('#log li').count()).toBe(8);
      expect(problems).toEqual([]);
    } finally {
      await browser.close();
      await server.close();
    }
  },
);
