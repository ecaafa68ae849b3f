/**
 * One random history over several engines and limits: every answer and every hash must be equal (law 6).
 * What an engine cannot do (a store in memory cannot be opened again) changes no answer, so the others do it on their own.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  compare,
  file,
  get,
  memory,
  missing,
  nested,
  open,
  put,
  range,
  remove,
  type EmbeddedKv,
  type Location,
  type OpenOptions,
  type Range,
} from '../src/index.ts';
import { collect, temporaryFolder } from './helpers.ts';

interface Setting {
  readonly name: string;
  readonly place: (path: string) => Location;
  readonly options: OpenOptions<string, string>;
  readonly reopens: boolean;
}

const settings: readonly Setting[] = [
  { name: 'memory', place: () => memory(), options: {}, reopens: false },
  { name: 'memory, 1', place: () => memory(), options: { batchLimit: 1, cacheBytes: 0 }, reopens: false },
  { name: 'memory, interval', place: () => memory(), options: { durability: 'interval' }, reopens: false },
  { name: 'level', place: (path) => path, options: {}, reopens: true },
  { name: 'level, 3', place: (path) => path, options: { batchLimit: 3, cacheBytes: 1000 }, reopens: true },
  { name: 'level, interval', place: (path) => path, options: { durability: 'interval', batchLimit: 5 }, reopens: true },
  { name: 'file', place: (path) => file(`${path}.db`), options: { batchLimit: 2 }, reopens: true },
];

const key = fc.constantFrom('a', 'b', 'b/1', 'b/2', 'c', '\u{10FFFF}', '__proto__');
const value = fc.string({ maxLength: 5 });
const ranges: fc.Arbitrary<Range<string>> = fc.oneof(
  key.map((prefix) => ({ prefix })),
  fc.tuple(key, key).map(([start, end]) => ({ start, end })),
  key.map((start) => ({ start })),
  fc.constant({}),
);
/** How far in the past, of the revisions there are. */
const past = fc.nat({ max: 12 });

type Command = (kv: EmbeddedKv) => Promise<unknown>;

const step = (kv: EmbeddedKv, back: number) => Math.max(1, kv.revision - back);

const commands: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(key, value, fc.boolean()).map(
      ([k, v, p]): Command =>
        (kv) =>
          kv.put(k, v, { previous: p }),
    ),
  },
  {
    weight: 2,
    arbitrary: key.map(
      (k): Command =>
        (kv) =>
          kv.delete(k, { previous: true }),
    ),
  },
  {
    weight: 1,
    arbitrary: ranges.map(
      (r): Command =>
        (kv) =>
          kv.delete(r),
    ),
  },
  {
    weight: 1,
    arbitrary: key.map(
      (k): Command =>
        (kv) =>
          kv.get(k),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(ranges, past).map(
      ([r, b]): Command =>
        (kv) =>
          collect(kv.at(step(kv, b)).list(r)),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(ranges, past).map(
      ([r, b]): Command =>
        (kv) =>
          kv.at(step(kv, b)).count(r),
    ),
  },
  {
    weight: 1,
    arbitrary: ranges.map(
      (r): Command =>
        (kv) =>
          kv.page(r, { limit: 2, total: true }),
    ),
  },
  {
    weight: 1,
    arbitrary: key.map(
      (k): Command =>
        (kv) =>
          collect(kv.history(k)),
    ),
  },
  {
    weight: 1,
    arbitrary: past.map(
      (b): Command =>
        (kv) =>
          kv.hashByRev(step(kv, b)),
    ),
  },
  {
    weight: 1,
    arbitrary: past.map(
      (b): Command =>
        async (kv) =>
          (await kv.compact(step(kv, b), { physical: true })).revision,
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(key, key, value, past).map(
      ([k, l, v, b]): Command =>
        (kv) =>
          kv.txn({
            if: [compare(k, { modRevision: { greater: step(kv, b) } }), missing(l)],
            then: [put(k, v, { previous: true }), get(l), nested({ if: [missing(k)], else: [remove(l)] })],
            else: [range({ prefix: 'b' }, { limit: 1 }), remove({ prefix: 'c' }), put(`d${l}`, v)],
          }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(key, value).map(
      ([k, v]): Command =>
        (kv) =>
          kv.transaction(async (tx) => {
            const entries = await tx.list({ prefix: k });
            tx.put(k, v);
            return entries.length;
          }),
    ),
  },
);

async function answer(command: Command, kv: EmbeddedKv): Promise<unknown> {
  try {
    return await command(kv);
  } catch (error) {
    return (error as { code?: unknown }).code ?? error;
  }
}

async function play(setting: Setting, history: readonly Command[]): Promise<unknown[]> {
  const path = temporaryFolder();
  const opening = () => open(setting.place(path), setting.options);
  let kv = await opening();
  const answers: unknown[] = [];
  for (const [i, command] of history.entries()) {
    answers.push(await answer(command, kv));
    if (setting.reopens && i % 7 === 6) {
      await kv.close();
      kv = await opening();
    }
  }
  const { compactRevision, revision } = await kv.status();
  answers.push(revision, compactRevision, await kv.hashByRev());
  const retained =
    (await kv.at(revision).count({})) > 0 ? kv.watch({}, { from: Math.max(1, compactRevision) }) : undefined;
  if (retained !== undefined) {
    const marker = await kv.put('zz-end', '');
    const events: unknown[] = [];
    for await (const event of retained) {
      events.push(event);
      if (event.revision === marker.revision) break;
    }
    answers.push(events);
  }
  await kv.close();
  return answers;
}

test('law 6: equal answers and equal hashes on every engine, with every limit', async () => {
  const run = fc.asyncProperty(fc.array(commands, { minLength: 5, maxLength: 40 }), async (history) => {
    const [first, ...others] = settings;
    const expected = first === undefined ? [] : await play(first, history);
    for (const setting of others)
      expect([setting.name, await play(setting, history)]).toEqual([setting.name, expected]);
  });
  await fc.assert(run, { numRuns: process.env.VARVE_LARGE === '1' ? 500 : 12, endOnFailure: true });
}, 600_000);
