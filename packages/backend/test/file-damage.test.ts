/** Random single damages to a store in one file (R43, R55 to R57). Silence is the only wrong answer. */
import * as fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Change, Engine } from '../src/contract/engine.ts';
import { BackendError } from '../src/contract/errors.ts';
import { fileEngine } from '../src/engines/file/index.ts';
import { DAMAGES, damaged, PATIENCE, type Random, randomFrom, SEED, Tally } from './damages.ts';
import { everything, temporaryPath } from './file-support.ts';
import { changesOf } from './level-child.mjs';

const COMMITS = 100;
const PAGE = 4096;

interface Image {
  /** The file after the last commit. */
  readonly good: Buffer;
  /** What it holds after the last commit, and after the one before. */
  readonly newest: string;
  readonly previous: string;
}

async function imageOf(path: string): Promise<Image> {
  const engine = await fileEngine(path);
  const states = ['', ''];
  for (let n = 1; n <= COMMITS; n++) {
    await engine.commit(changesOf(n) as Change[]);
    states.push((await everything(engine)).join());
    if (n === COMMITS / 2) await engine.compact();
  }
  await engine.close();
  return { good: fs.readFileSync(path), newest: states.at(-1) as string, previous: states.at(-2) as string };
}

type Shown = { readonly rows: string; readonly warnings: readonly string[] } | { readonly code: string };

async function show(path: string, readOnly: boolean): Promise<Shown> {
  let engine: Engine | undefined;
  try {
    engine = await fileEngine(path, { create: false, readOnly });
    return { rows: (await everything(engine)).join(), warnings: engine.warnings ?? [] };
  } catch (error) {
    if (error instanceof BackendError) return { code: error.code };
    throw error;
  } finally {
    await engine?.close();
  }
}

/** What the damage is, or what was silently wrong. */
function outcome(shown: Shown, { newest, previous }: Image): string {
  if ('code' in shown) {
    // A file without a valid meta page, or none at all, is not known to have been a store.
    return ['BACKEND_CORRUPT', 'BACKEND_FOREIGN', 'BACKEND_VERSION', 'BACKEND_NOT_FOUND'].includes(shown.code)
      ? `refused with ${shown.code}`
      : `wrong: ${shown.code}`;
  }
  const warned = shown.warnings.some((warning) => /last transaction may be missing/.test(warning));
  if (shown.rows === newest) return warned ? 'nothing lost, with a warning' : 'no difference';
  if (shown.rows === previous) return warned ? 'last commit lost, with a warning' : 'wrong: rolled back in silence';
  return 'wrong: read as data';
}

describe(`seed ${SEED}`, () => {
  test(
    `R43, R55 to R57: of ${DAMAGES} damages none is read as data, and none takes a commit back in silence`,
    async () => {
      const random: Random = randomFrom(SEED);
      const path = temporaryPath();
      const image = await imageOf(path);
      const { good } = image;
      const kinds = pageKinds(good);
      const tally = new Tally();
      const wrong: string[] = [];
      for (let round = 0; round < DAMAGES; round++) {
        const { kind, after } = damaged(good, random);
        if (after === undefined) fs.rmSync(path, { force: true });
        else fs.writeFileSync(path, after);
        const readOnly = random(2) === 0;
        const found = outcome(await show(path, readOnly), image);
        const place = after === undefined ? 'the file' : placeOf(good, after, kinds);
        tally.add(found, place);
        // A page that a tree uses is never harmed unnoticed, not even where nobody would see it in the rows.
        const unnoticed = found === 'no difference' && /leaf|branch/.test(place);
        if (unnoticed || found.startsWith('wrong')) wrong.push(`damage ${round}, ${kind} of ${place}: ${found}`);
        const left = fs.existsSync(path) ? fs.readFileSync(path) : undefined;
        if (left?.equals(after ?? Buffer.alloc(0)) === false) wrong.push(`damage ${round}: looking changed the file`);
      }
      tally.print(`file engine, ${DAMAGES} damages, seed ${SEED}`);
      expect(wrong).toEqual([]);
      expect(tally.of('refused with BACKEND_CORRUPT')).toBeGreaterThan(DAMAGES / 4);
      expect(tally.of('no difference')).toBeGreaterThan(0);
    },
    PATIENCE,
  );
});

/** What each page of the file is for, as its newest state says. */
function pageKinds(bytes: Buffer): string[] {
  const txid = (page: number): bigint => bytes.readBigUInt64LE(page * PAGE + 64);
  const newer = txid(0) > txid(1) ? 0 : 1;
  const list = Number(bytes.readBigUInt64LE(newer * PAGE + 48));
  const highWater = Number(bytes.readBigUInt64LE(newer * PAGE + 56));
  const names = new Map([
    [1, 'branch'],
    [2, 'leaf'],
  ]);
  const kinds = Array.from({ length: bytes.length / PAGE }, (_, page) => {
    if (page < 2) return page === newer ? 'newest meta' : 'older meta';
    if (page === list) return 'free list';
    return page < highWater ? (names.get(bytes.readUInt16LE(page * PAGE + 8)) ?? 'overflow') : 'beyond the end';
  });
  const freeN = bytes.readUInt16LE(list * PAGE + 10);
  for (let i = 0; i < freeN; i++) kinds[Number(bytes.readBigUInt64LE(list * PAGE + 16 + i * 8))] = 'free page';
  return kinds;
}

/** The kinds of pages that are not what they were. */
function placeOf(good: Buffer, after: Buffer, kinds: readonly string[]): string {
  if (after.length < good.length) return 'the length, shorter';
  if (after.length > good.length) return 'the length, longer';
  const found = new Set<string>();
  for (const [page, kind] of kinds.entries()) {
    const [from, to] = [page * PAGE, (page + 1) * PAGE];
    if (!after.subarray(from, to).equals(good.subarray(from, to))) found.add(kind);
  }
  return [...found].toSorted().join(' and ') || 'nothing';
}
