/** The script of CI, on commands that only say that they were there. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { root } from '../run/root.mjs';

/** One that writes who it is, and that it was ended. */
const stays = `trap 'echo > "$MARKS/$name.ended"; exit 0' TERM; echo > "$MARKS/$name.begun"; sleep 600 & wait`;

/** A folder with the script, and its commands before those of PATH. */
function ci(check: string, tests: string): { readonly child: ChildProcess; readonly marks: string } {
  const folder = mkdtempSync(join(tmpdir(), 'varve-ci-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ['.ci', 'bin']) mkdirSync(join(folder, name));
  cpSync(join(root, '.ci', 'run'), join(folder, '.ci', 'run'));
  const npm = `case "$*" in 'run check') name=check; ${check} ;; test*) name=test; ${tests} ;; esac`;
  const programs = { npm, node: "echo '1 passed, 0 failed'", id: 'echo 1000' };
  for (const [name, body] of Object.entries(programs))
    writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  const env = { ...process.env, MARKS: folder, PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH'] ?? ''}` };
  const child = spawn(join(folder, '.ci', 'run'), { env, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGTERM'));
  return { child, marks: folder };
}

test.skipIf(process.platform === 'win32')('what failed is named as it was called, and all is counted', async () => {
  const { child } = ci("echo '2 passed, 1 failed'; exit 1", "echo '3 passed, 0 failed'");
  const ended = once(child, 'exit');
  const said = await text(child.stdout!);
  expect(said).toContain('\n== npm run check\n2 passed, 1 failed\n');
  expect(said).toMatch(/\nFailed: npm run check\n\n7 passed, 1 failed\n$/);
  expect((await ended)[0]).toBe(1);
});

test.skipIf(process.platform === 'win32').each(['SIGTERM', 'SIGINT'] as const)(
  'at %s, what runs and what runs beside it end, too',
  async (signal) => {
    const { child, marks } = ci(stays, stays);
    const there = (what: string) => () =>
      ['check', 'test'].filter((name) => existsSync(join(marks, `${name}.${what}`)));
    await expect.poll(there('begun')).toEqual(['check', 'test']);
    const ended = once(child, 'exit');
    child.kill(signal);
    expect((await ended)[0]).toBe(signal === 'SIGTERM' ? 143 : 130);
    await expect.poll(there('ended')).toEqual(['check', 'test']);
  },
);

test.skipIf(process.platform === 'win32')(
  'what failed beside other work and held alone is named at the end',
  async () => {
    const line = 'Failed beside other work, and held alone: a.test.ts > one';
    const { child } = ci("echo '2 passed, 0 failed'", `echo '${line}'; echo '3 passed, 0 failed'`);
    const ended = once(child, 'exit');
    expect(await text(child.stdout!)).toMatch(new RegExp(`\\n${line}\\n\\n7 passed, 0 failed\\n$`));
    expect((await ended)[0]).toBe(0);
  },
);
