/**
 * One random history over several engines and limits: every answer and every hash must be equal (law 6).
 * What an engine cannot do (a store in memory cannot be opened again) changes no answer, so the others do it on their own.
 * Hashes of the past are the exception: those that compactions computed are remembered until the store is closed (spec
 * 12.4), so only hashes over the same two revisions compare.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  compare,
  file,
  get,
  level,
  log,
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
  { name: 'level', place: (path) => level(path), options: { checkpointEvery: 1 }, reopens: true },
  { name: 'level, 3', place: (path) => level(path), options: { batchLimit: 3, cacheBytes: 1000 }, reopens: true },
  {
    name: 'level, interval',
    place: (path) => level(path),
    options: { durability: 'interval', batchLimit: 5 },
    reopens: true,
  },
  { name: 'folder', place: (path) => path, options: {}, reopens: true },
  { name: 'log', place: (path) => log(path), options: { batchLimit: 3, cacheBytes: 0 }, reopens: true },
  { name: 'log, saved', place: (path) => log(path), options: { checkpointEvery: 1 }, reopens: true },
  { name: 'file', place: (path) => file(`${path}.db`), options: { batchLimit: 2 }, reopens: true },
];

const key = fc.constantFrom('a', 'b', 'b/1', 'b/2', 'c', '\u{10FFFF}', '__proto__');
const value = fc.string({ maxLength: 5 });
const ranges: fc.Arbitrary<Range<string>> = fc.oneof(
  key.map((prefix) => ({ prefix })),
  fc.constantFrom(
    { prefix: 'b', start: 'b/' },
    { prefix: 'b', end: 'b/2' },
    { prefix: 'b/', start: 'b/1', end: 'b/2' },
  ),
  fc.record({ start: key, end: key }),
  key.map((start) => ({ start })),
  fc.constant({}),
);
/** So many revisions before the present one. */
const back = fc.nat({ max: 12 });

const commands = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('put'), key, value, previous: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('delete'), key }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('deleteRange'), range: ranges }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('get'), key }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('list'), range: ranges, back, reverse: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('count'), range: ranges, back }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('page'), range: ranges, reverse: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('history'), key }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('hash'), back }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('compact'), back }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('txn'), key, other: key, value, back }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('transaction'), key, value }) },
);

type Command = typeof commands extends fc.Arbitrary<infer T> ? T : never;

/** Hashes met in one history, by the two revisions they are over. */
type Hashes = Map<string, number>;

async function run(kv: EmbeddedKv, command: Command, hashes: Hashes): Promise<unknown> {
  const past = 'back' in command ? Math.max(1, kv.revision - command.back) : 0;
  switch (command.type) {
    case 'put':
      return kv.put(command.key, command.value, { previous: command.previous });
    case 'delete':
      return kv.delete(command.key, { previous: true });
    case 'deleteRange':
      // What names no bound is all keys, which has to be said.
      return kv.delete(
        Object.values(command.range).length === 0 ? { all: true } : (command.range as { prefix: string }),
      );
    case 'get':
      return kv.get(command.key);
    case 'list':
      return collect(kv.at(past).list(command.range, { reverse: command.reverse }));
    case 'count':
      return kv.at(past).count(command.range);
    case 'page':
      return kv.page(command.range, { limit: 2, total: true, reverse: command.reverse });
    case 'history':
      return collect(kv.history(command.key));
    case 'hash':
      return checkHash(kv, past, hashes);
    case 'compact':
      return (await kv.compact(past, { physical: true })).revision;
    case 'txn':
      return kv.txn({
        if: [compare(command.key, { modRevision: { greater: past } }), missing(command.other)],
        then: [
          put(command.key, command.value, { previous: true }),
          get(command.other),
          nested({ if: [missing(command.key)], else: [remove(command.other)] }),
        ],
        else: [range({ prefix: 'b' }, { limit: 1 }), remove({ prefix: 'c' }), put(`d${command.other}`, command.value)],
      });
    case 'transaction':
      return kv.transaction(async (tx) => {
        const entries = await tx.list({ prefix: command.key });
        tx.put(command.key, command.value);
        return entries.length;
      });
    default:
      return command satisfies never;
  }
}

async function checkHash(kv: EmbeddedKv, revision: number, hashes: Hashes): Promise<void> {
  try {
    const { hash, compactRevision } = await kv.hashByRev(revision);
    const over = `${compactRevision ?? 'the beginning'} to ${revision}`;
    expect([over, hash]).toEqual([over, hashes.get(over) ?? hash]);
    hashes.set(over, hash);
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'MVCC_COMPACTED') throw error;
  }
}

async function answer(kv: EmbeddedKv, command: Command, hashes: Hashes): Promise<unknown> {
  try {
    return await run(kv, command, hashes);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code !== 'MVCC_COMPACTED' && code !== 'KV_DUPLICATE_KEY') throw error;
    return code;
  }
}

async function play(setting: Setting, history: readonly Command[], hashes: Hashes): Promise<unknown[]> {
  const path = temporaryFolder();
  const opening = () => open(setting.place(path), setting.options);
  let kv = await opening();
  const answers: unknown[] = [];
  for (const [i, command] of history.entries()) {
    answers.push([command.type, await answer(kv, command, hashes)]);
    if (setting.reopens && i % 7 === 6) {
      await kv.close();
      kv = await opening();
    }
  }
  const { revision, compactRevision } = await kv.status();
  answers.push(revision, compactRevision, await kv.hashByRev());
  const watch = kv.watch({}, { from: compactRevision ?? 1 });
  const last = await kv.put('end', '');
  for await (const event of watch) {
    answers.push(event);
    if (event.revision === last.revision) break;
  }
  await kv.close();
  return answers;
}

test('law 6: equal answers and equal hashes on every engine, with every limit', async () => {
  const property = fc.asyncProperty(fc.array(commands, { minLength: 5, maxLength: 40 }), async (history) => {
    const hashes: Hashes = new Map();
    const answers: unknown[][] = [];
    for (const setting of settings) {
      answers.push(await play(setting, history, hashes));
      expect([setting.name, answers.at(-1)]).toEqual([setting.name, answers[0]]);
    }
  });
  await fc.assert(property, { numRuns: process.env.VARVE_LARGE === '1' ? 500 : 12 });
}, 600_000);
