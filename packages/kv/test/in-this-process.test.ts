/** What only a store in this process can do: reads in the same tick, a store filled from a file, and a check of all it keeps. */
import { buckets } from '@varve/backend';
import { nodeWorld } from '@varve/base/node/world';
import { activeLimits, Records } from '@varve/api/implement';
import { describe, expect, test } from 'vitest';
import { Core } from '../src/core.ts';
import { FiledKv } from '../src/filed-kv.ts';
import {
  file,
  json,
  memory,
  open,
  utf8,
  type CheckProgress,
  type EmbeddedKv,
  type ImportProgress,
} from '../src/index.ts';
import { openLayers, presentLessor, type Layers } from '../src/layers.ts';
import { codeOf, collect, engines, failure, temporaryFolder } from './helpers.ts';

async function filled(kv: EmbeddedKv): Promise<void> {
  for (let i = 0; i < 20; i++) await kv.put(`k${i}`, `${i}`);
  await kv.put('k7', 'seven');
  await kv.delete('k3');
}

describe.each(engines)('on %s', (_, place) => {
  test('law 2: getSync and listSync answer as get and list do, in the tick of the call', async () => {
    await using kv = await open(place());
    await filled(kv);
    const late = kv.put('k7', 'later');
    expect(kv.getSync('k7')).toEqual(await kv.get('k7'));
    await late;
    expect(kv.getSync('k7')).toMatchObject({ value: 'later' });
    expect(kv.getSync('k3')).toBeUndefined();
    expect(kv.listSync({}, { limit: 1000 })).toEqual(await collect(kv.list({})));
    const range = { prefix: 'k1', start: 'k11' };
    expect(kv.listSync(range, { limit: 3 })).toEqual(await collect(kv.list(range, { limit: 3 })));
    expect(kv.listSync({}, { limit: 2, reverse: true })).toEqual(
      await collect(kv.list({}, { limit: 2, reverse: true })),
    );
    expect(
      kv
        .namespace('k1')
        .listSync({}, { limit: 2 })
        .map(({ key }) => key),
    ).toEqual(['0', '1']);
  });

  test('laws 2 and 5: a store that is filled from a backup has all of its history, and its leases', async () => {
    const path = temporaryFolder('copy.db');
    const from = await open(place());
    await filled(from);
    const lease = await from.lease({ ttl: 600 });
    await from.put('leased', 'x', { lease });
    await from.backup(path);
    const hash = await from.hashByRev();
    const progress: ImportProgress[] = [];
    await using kv = await open(place(), { importFrom: { path, onProgress: (step) => progress.push(step) } });
    expect(await kv.hashByRev()).toEqual(hash);
    expect(await collect(kv.list({}))).toEqual(await collect(from.list({})));
    expect((await collect(kv.at(21).list({}))).length).toBe(20);
    expect(new Set(progress.map(({ phase }) => phase))).toEqual(new Set(['verifying', 'writing']));
    const taken = await kv.lease({ id: lease.id });
    expect((await taken.revoke()).deleted).toBe(1);
    expect((await kv.put('k1', 'goes on')).revision).toBe(from.revision + 2);
    await from.close();
  });

  test('law 8: check finds nothing wrong in a whole store, also when much was deleted and compacted', async () => {
    await using kv = await open(place());
    await filled(kv);
    await kv.write((section) => {
      section.put('twice', '1');
      section.put('twice', '2');
      section.delete({ prefix: 'k1' });
    });
    const { revision } = kv;
    expect(await kv.check()).toEqual({ revision, records: 35, keys: 9, problems: [], problemCount: 0 });
    await kv.compact(revision, { physical: true });
    await kv.put('more', 'x');
    const progress: CheckProgress[] = [];
    const result = await kv.check({ onProgress: (step) => progress.push(step) });
    expect(result).toMatchObject({ revision: revision + 1, keys: 10, problems: [] });
    expect(new Set(progress.map(({ phase }) => phase))).toEqual(new Set(['records', 'keys']));
  });
});

/** A store over layers of which some answer something else. */
function storeOver(layers: Layers): EmbeddedKv {
  return new FiledKv(
    new Core({ ...layers, leases: presentLessor(layers.lessor) }, nodeWorld),
    new Records(utf8, utf8, activeLimits()),
    true,
  );
}

function recordKey(revision: number): Uint8Array {
  const bytes = new Uint8Array(17);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(revision));
  bytes[8] = 0x5f;
  return bytes;
}

test('law 8: check tells of a record that is gone, and goes on behind it', async () => {
  const layers = await openLayers(memory(), { cacheBytes: 0 });
  const kv = storeOver(layers);
  await filled(kv);
  expect(await kv.check()).toMatchObject({ records: 22, keys: 19, problems: [] });
  layers.backend.batchTx((tx) => tx.delete(buckets.key, recordKey(6)));
  const { keys, problems, problemCount } = await kv.check();
  expect([keys, problemCount]).toEqual([19, problems.length]);
  expect(problems.join('; ')).toContain('"k4" cannot be read');
  await kv.close();
});

test('law 8: check tells of records that the index does not know, and of those that are another than it means', async () => {
  const layers = await openLayers(memory());
  await filled(storeOver(layers));
  const named = (key: Uint8Array, name: string): boolean => Buffer.from(key).toString() === name;
  const get: Layers['store']['get'] = (key, options) => {
    const kv = layers.store.get(key, options);
    return kv !== undefined && named(key, 'k9') ? { ...kv, version: kv.version + 1 } : kv;
  };
  const history: Layers['store']['history'] = (key, options) =>
    named(key, 'k8') ? [] : layers.store.history(key, options);
  const store = new Proxy(layers.store, {
    get(target, name) {
      if (name === 'get') return get;
      if (name === 'history') return history;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
  const { problems } = await storeOver({ ...layers, store }).check();
  expect(problems).toEqual([
    'revision 10 of "k8" is not in the index',
    'the record of "k9" is not the one that the index means',
  ]);
  await layers.close();
});

test('wrong arguments are refused before anything happens', async () => {
  await using kv = await open(memory());
  await filled(kv);
  const { revision } = kv;
  for (const call of [
    () => kv.listSync({}, undefined as never),
    () => kv.listSync({}, {} as never),
    () => kv.listSync({}, { limit: 1001 }),
    () => kv.listSync('k' as never, { limit: 1 }),
    () => kv.listSync({}, { limit: 1, signal: undefined } as never),
    () => kv.getSync({} as never),
    () => kv.write(() => kv.getSync('k1')),
    () => kv.write(() => kv.listSync({}, { limit: 1 })),
    () => kv.check({ limit: 1 } as object),
    () => kv.check({ onProgress: 1 as never }),
    () => open(memory(), { importFrom: '' }),
    () => open(memory(), { importFrom: 7 as never }),
    () => open(memory(), { importFrom: { path: 'x', skip: true } as never }),
  ]) {
    expect(await codeOf(call)).toBe('KV_INVALID');
  }
  expect(kv.revision).toBe(revision);
  await kv.put('k1', 'no JSON');
  const typed = kv.namespace('k', { value: json() });
  expect(await codeOf(() => typed.getSync('1'))).toBe('KV_DECODE');
  expect(await codeOf(() => typed.listSync({ start: '1' }, { limit: 1 }))).toBe('KV_DECODE');
  const reason = new Error('enough');
  expect(await failure(() => kv.check({ signal: AbortSignal.abort(reason) }))).toBe(reason);
});

test('law 8: a place that holds something is not filled; what fails leaves it empty', async () => {
  const copy = temporaryFolder('copy.db');
  const path = temporaryFolder('store.db');
  {
    await using kv = await open(file(path));
    await filled(kv);
    await kv.backup(copy);
  }
  expect(await codeOf(() => open(file(path), { importFrom: copy }))).toBe('BACKEND_NOT_EMPTY');
  const target = temporaryFolder('target.db');
  expect(await codeOf(() => open(file(target), { importFrom: `${copy}.not` }))).toBe('BACKEND_NOT_FOUND');
  expect(await codeOf(() => open(file(target), { importFrom: import.meta.filename }))).toBe('BACKEND_FOREIGN');
  const stop = new Error('enough');
  const onProgress = ({ phase }: ImportProgress): void => {
    if (phase === 'writing') throw stop;
  };
  expect(await failure(() => open(file(target), { importFrom: { path: copy, onProgress } }))).toBe(stop);
  await using kv = await open(file(target), { importFrom: copy });
  expect(await kv.count({})).toBe(19);
});
