/** Random single damages to a store's files (R43, R66 to R69). Silence is the only wrong answer. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { levelEngine } from '../src/engines/level/index.ts';
import { DAMAGES, damaged, PATIENCE, type Random, randomFrom, SEED, Tally } from './damages.ts';
import { changesIn, digests, type Form, forms, Reader, type Shown, temporaryPath } from './level-support.ts';

/** The last one is told of by the row that it appends, where that may be. */
const COMMITS = 98;
const images = fs.mkdtempSync(join(tmpdir(), 'varve-level-'));
const statesOf = { own: digests(COMMITS, 'own'), carried: digests(COMMITS, 'carried') };

beforeAll(async () => {
  for (const form of forms) {
    const live = join(images, 'live');
    const engine = await levelEngine(live, { writeBufferBytes: 1 << 16 });
    for (let n = 1; n <= COMMITS; n++) {
      await engine.commit(changesIn(form, n));
      if (n === COMMITS / 2) await engine.compact();
    }
    fs.cpSync(live, join(images, `killed-${form}`), { recursive: true }); // all synced, so as if the process had died here
    await engine.close();
    fs.renameSync(live, join(images, `closed-${form}`));
  }
});
afterAll(() => fs.rmSync(images, { recursive: true, force: true }));

interface DamagedStore {
  readonly path: string;
  readonly what: string;
  /** The kind of the file. */
  readonly place: string;
}

function damage(form: Form, random: Random): DamagedStore {
  const path = temporaryPath();
  const image = `${random(2) === 0 ? 'killed' : 'closed'}-${form}`;
  fs.cpSync(join(images, image), path, { recursive: true });
  const files = fs.readdirSync(path).filter((name) => !name.startsWith('LO') && fs.statSync(join(path, name)).size > 0);
  const name = files[random(files.length)] as string;
  const { kind, after } = damaged(fs.readFileSync(join(path, name)), random);
  if (after === undefined) fs.rmSync(join(path, name));
  else fs.writeFileSync(join(path, name), after);
  return { path, what: `${kind} of ${name} (${image})`, place: name.replaceAll(/[-\d]/g, '') };
}

/** What a verified open shows: one of the right answers, or what is wrong. */
function outcome(form: Form, shown: Shown | undefined): string {
  if (shown === undefined) return 'wrong: the process ended';
  if (shown.code !== undefined) return shown.code === 'BACKEND_CORRUPT' ? 'refused' : `wrong: ${shown.code}`;
  if (shown.different !== 0) return 'wrong: get and scan differ';
  const state = statesOf[form].indexOf(shown.digest ?? '');
  if (state === COMMITS) return shown.warnings?.length === 0 ? 'no difference' : 'nothing lost, with a warning';
  return state < 0 ? 'wrong: read as data' : 'wrong: rolled back past an acknowledged commit';
}

/** What is shown where the tables were not checked: every row was written once, but not every one need be there. */
function unverified(form: Form, { digest = '', different }: Shown): string {
  if (different !== 0) return 'get and scan differ';
  const state = statesOf[form].indexOf(digest);
  if (state === COMMITS) return 'no difference';
  return state < 0 ? 'rows hidden or older' : 'an older state';
}

describe.each(forms)(`seed ${SEED}, commits told of: %s`, (form) => {
  test(
    `R43: of ${DAMAGES} damages each makes no difference or is BACKEND_CORRUPT; none is silent or deadly`,
    async () => {
      const reader = new Reader();
      const random = randomFrom(SEED);
      const tally = new Tally();
      const wrong: string[] = [];
      for (let round = 0; round < DAMAGES; round++) {
        const { path, what, place } = damage(form, random);
        const found = outcome(form, await reader.show(path, true, round % 2 === 0));
        tally.add(found, place);
        if (found.startsWith('wrong')) wrong.push(`damage ${round}, ${what}: ${found}`);
        fs.rmSync(path, { recursive: true });
      }
      tally.print(`level engine, ${form}, ${DAMAGES} damages, seed ${SEED}`);
      expect(wrong).toEqual([]);
      expect(tally.of('refused')).toBeGreaterThan(DAMAGES / 2);
    },
    PATIENCE,
  );

  test(
    'R68: without verify a damaged table may end the process or hide rows, but no row is ever read wrong',
    async () => {
      const reader = new Reader();
      const random = randomFrom(SEED + 1);
      const tally = new Tally();
      const rounds = process.env['VARVE_LARGE'] === '1' ? DAMAGES : Math.min(DAMAGES, 60);
      for (let round = 0; round < rounds; round++) {
        const { path, what, place } = damage(form, random);
        const shown = await reader.show(path, false, round % 2 === 0);
        expect(shown?.invented ?? 0, `damage ${round}, ${what}`).toBe(0);
        if (shown === undefined) tally.add('the process ended', place);
        else if (shown.code !== undefined) {
          expect(shown.code, `damage ${round}, ${what}`).toMatch(/^BACKEND_/);
          tally.add('refused', place);
        } else tally.add(unverified(form, shown), place);
        fs.rmSync(path, { recursive: true });
      }
      tally.print(`level engine without verify, ${form}, ${rounds} damages, seed ${SEED + 1}`);
      expect(tally.of('refused')).toBeGreaterThan(0);
    },
    PATIENCE,
  );
});
