/** Random single damages to a store's files (R43, R66 to R69). Silence is the only wrong answer. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Change } from '../src/engine.ts';
import { levelEngine } from '../src/level/index.ts';
import { changesOf } from './level-child.mjs';
import { digests, Reader, temporaryPath } from './level-support.ts';

const COMMITS = 100;
const DAMAGES = Number(process.env['LEVEL_DAMAGES'] ?? 150);
const SEED = Number(process.env['LEVEL_SEED'] ?? 1);

type Random = (below: number) => number;

/** xorshift32. */
function randomFrom(seed: number): Random {
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** The bytes of a file afterwards; `undefined` for no file. */
const damages: { readonly [name: string]: (bytes: Buffer, random: Random) => Buffer | undefined } = {
  bit(bytes, random) {
    const at = random(bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 << random(8));
    return bytes;
  },
  byte(bytes, random) {
    bytes[random(bytes.length)] = random(256);
    return bytes;
  },
  sector: (bytes, random) => zeroed(bytes, random, 512),
  page: (bytes, random) => zeroed(bytes, random, 4096),
  noise(bytes, random) {
    const start = random(bytes.length);
    return bytes.fill(
      Buffer.from([random(256), random(256), random(256)]),
      start,
      Math.min(bytes.length, start + random(600)),
    );
  },
  swap(bytes, random) {
    const sectors = Math.floor(bytes.length / 512);
    if (sectors < 2) return bytes;
    const [one, other] = [random(sectors) * 512, random(sectors) * 512];
    const kept = Buffer.from(bytes.subarray(one, one + 512));
    bytes.copy(bytes, one, other, other + 512);
    kept.copy(bytes, other);
    return bytes;
  },
  cut: (bytes, random) => bytes.subarray(0, random(bytes.length)),
  cutAtSector: (bytes, random) => bytes.subarray(0, Math.floor(random(bytes.length) / 512) * 512),
  longer: (bytes, random) => Buffer.concat([bytes, Buffer.alloc(1 + random(5000), random(2) * random(256))]),
  empty: () => Buffer.alloc(0),
  gone: () => undefined,
};

function zeroed(bytes: Buffer, random: Random, unit: number): Buffer {
  const start = random(Math.ceil(bytes.length / unit)) * unit;
  return bytes.fill(0, start, Math.min(bytes.length, start + unit));
}

const images = fs.mkdtempSync(join(tmpdir(), 'varve-level-'));
const states = digests(COMMITS);

beforeAll(async () => {
  const live = join(images, 'live');
  const engine = await levelEngine(live, { writeBufferSize: 1 << 16 });
  for (let n = 1; n <= COMMITS; n++) {
    await engine.commit(changesOf(n) as Change[]);
    if (n === COMMITS / 2) await engine.compact();
  }
  fs.cpSync(live, join(images, 'killed'), { recursive: true }); // all synced, so as if the process had died here
  await engine.close();
  fs.renameSync(live, join(images, 'closed'));
});
afterAll(() => fs.rmSync(images, { recursive: true, force: true }));

interface Damaged {
  readonly path: string;
  readonly what: string;
}

function damage(random: Random): Damaged {
  const path = temporaryPath();
  const image = random(2) === 0 ? 'killed' : 'closed';
  fs.cpSync(join(images, image), path, { recursive: true });
  const files = fs.readdirSync(path).filter((name) => !name.startsWith('LO') && fs.statSync(join(path, name)).size > 0);
  const name = files[random(files.length)] as string;
  const kinds = Object.entries(damages);
  const [kind, change] = kinds[random(kinds.length)]!;
  const after = change(fs.readFileSync(join(path, name)), random);
  if (after === undefined) fs.rmSync(join(path, name));
  else fs.writeFileSync(join(path, name), after);
  return { path, what: `${kind} of ${name} (${image})` };
}

describe(`seed ${SEED}`, () => {
  test(`R43: of ${DAMAGES} damages each makes no difference or is BACKEND_CORRUPT; none is silent or deadly`, async () => {
    const reader = new Reader();
    const random = randomFrom(SEED);
    const outcomes = { same: 0, warned: 0, typed: 0 };
    for (let round = 0; round < DAMAGES; round++) {
      const { path, what } = damage(random);
      const place = `damage ${round}, ${what}`;
      const shown = await reader.show(path);
      expect(shown, place).toBeDefined();
      if (shown?.code !== undefined) {
        expect(shown, place).toMatchObject({ code: 'BACKEND_CORRUPT' });
        outcomes.typed += 1;
      } else {
        expect(states.indexOf(shown?.digest ?? ''), place).toBe(COMMITS);
        outcomes[shown?.warnings?.length === 0 ? 'same' : 'warned'] += 1;
      }
      fs.rmSync(path, { recursive: true });
    }
    expect(outcomes.typed).toBeGreaterThan(DAMAGES / 2);
    expect(outcomes.same + outcomes.warned + outcomes.typed).toBe(DAMAGES);
  }, 120_000);

  test('R68: without verify a damaged table may end the process or hide rows, but no row is ever read wrong', async () => {
    const reader = new Reader();
    const random = randomFrom(SEED + 1);
    const outcomes = { same: 0, typed: 0, ended: 0, hidden: 0 };
    for (let round = 0; round < Math.min(DAMAGES, 60); round++) {
      const { path, what } = damage(random);
      const shown = await reader.show(path, false);
      expect(shown?.invented ?? 0, `damage ${round}, ${what}`).toBe(0);
      if (shown === undefined) outcomes.ended += 1;
      else if (shown.code !== undefined) {
        expect(shown.code, `damage ${round}, ${what}`).toMatch(/^BACKEND_/);
        outcomes.typed += 1;
      } else outcomes[states.includes(shown.digest ?? '') ? 'same' : 'hidden'] += 1;
      fs.rmSync(path, { recursive: true });
    }
    expect(outcomes.typed).toBeGreaterThan(0);
  }, 120_000);
});
