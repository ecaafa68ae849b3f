/** A12, E6: a cursor leads on in its own range and name space, and tells nothing of what lies around. */
import { describe, expect, test } from 'vitest';
import { json, open, put, range, utf8, type Codec, type EmbeddedKv, type KeyCodec, type Range } from '../src/index.ts';
import { codeOf, collect, engines, failure, temporaryFolder } from './helpers.ts';

async function filled(place: (typeof engines)[number][1]): Promise<EmbeddedKv> {
  const kv = await open(place());
  await kv.write((section) => {
    for (const tenant of ['secret-1/', 'secret-2/']) for (let i = 0; i < 9; i++) section.put(`${tenant}k${i}`, `${i}`);
  });
  return kv;
}

describe.each(engines)('XA12: on %s', (_engine, place) => {
  test('every walk of every range comes to its end and is complete', async () => {
    await using kv = await filled(place);
    const space = kv.namespace('secret-1/');
    const ranges: Range<string>[] = [{}, { prefix: 'k' }, { start: 'k2' }, { end: 'k7' }, { start: 'k2', end: 'k7' }];
    for (const range of ranges) {
      const keys: string[] = [];
      for (let cursor: string | undefined; ;) {
        const page = await space.page(range, { limit: 2, cursor });
        keys.push(...page.entries.map((entry) => entry.key));
        cursor = page.next;
        if (cursor === undefined) break;
      }
      expect(keys).toEqual((await collect(space.list(range))).map((entry) => entry.key));
    }
  });

  test('from the last key to the first, and a cursor keeps its direction', async () => {
    await using kv = await filled(place);
    const space = kv.namespace('secret-1/');
    const revision = kv.revision;
    for (const range of [
      {},
      { prefix: 'k' },
      { start: 'k2', end: 'k7' },
      { prefix: 'k', start: 'k3' },
      { prefix: 'x' },
    ]) {
      const forward = (await collect(space.list(range))).map((entry) => entry.key);
      const reverse = true;
      expect((await collect(space.list(range, { reverse }))).map((entry) => entry.key)).toEqual(forward.toReversed());
      const last = await collect(space.list(range, { reverse, limit: 2 }));
      expect(last.map((entry) => entry.key)).toEqual(forward.toReversed().slice(0, 2));
      const keys: string[] = [];
      for (let cursor: string | undefined; ;) {
        const page = await space.page(range, { limit: 2, cursor, reverse });
        expect(page.revision).toBe(keys.length === 0 ? kv.revision : revision);
        keys.push(...page.entries.map((entry) => entry.key));
        cursor = page.next;
        if (cursor === undefined) break;
        const taken = cursor;
        expect(await codeOf(() => space.page(range, { cursor: taken }))).toBe('KV_INVALID');
      }
      expect(keys).toEqual(forward.toReversed());
    }
    const found = await kv.txn({ then: [range({ prefix: 'secret-2/' }, { limit: 1, reverse: true })] });
    expect(found.results[0]).toMatchObject({ entries: [{ key: 'secret-2/k8' }], total: 9 });
    const { value } = await kv.write((section) =>
      section.list({}, { limit: 1, reverse: true }).map((entry) => entry.key),
    );
    expect(value).toEqual(['secret-2/k8']);
  });

  test('a long range from the last key to the first is the same range', async () => {
    await using kv = await open(place());
    await kv.write((section) => {
      for (let i = 0; i < 1500; i++) section.put(`k${String(i).padStart(4, '0')}`, 'x'.repeat(i % 50));
    });
    const at = kv.at(kv.revision);
    await kv.delete({ start: 'k0100', end: 'k0900' });
    for (const reader of [at, kv]) {
      const forward = await collect(reader.list({}));
      expect(await collect(reader.list({}, { reverse: true }))).toEqual(forward.toReversed());
    }
  });

  test('the cursor of another range is refused, also where its key lies inside', async () => {
    await using kv = await filled(place);
    const one = kv.namespace('secret-1/');
    const ranges: Range<string>[] = [{}, { prefix: 'k' }, { start: 'k0' }, { end: 'k8' }, { start: 'k0', end: 'k8' }];
    for (const range of ranges) {
      const { next, revision } = await one.page(range, { limit: 3 });
      for (const other of ranges) {
        const code = other === range ? undefined : 'KV_INVALID';
        expect(
          await codeOf(() => one.page(other, { cursor: next }).then(() => Promise.reject(new Error('fine')))),
        ).toBe(code);
      }
      expect(await codeOf(() => kv.namespace('secret-2/').page(range, { cursor: next }))).toBe('KV_INVALID');
      expect(await codeOf(() => kv.page(range, { cursor: next }))).toBe('KV_INVALID');
      expect(await codeOf(() => kv.namespace('secret-1/k').page(range, { cursor: next }))).toBe('KV_INVALID');
      expect(await codeOf(() => one.at(revision - 1).page(range, { cursor: next }))).toBe('KV_INVALID');
      expect((await kv.namespace('sec').namespace('ret-1/').page(range, { cursor: next })).entries).not.toEqual([]);
    }
  });

  test('a cursor that was changed anywhere is refused', async () => {
    await using kv = await filled(place);
    const { next = '' } = await kv.page({}, { limit: 3 });
    for (let at = 0; at < next.length; at++) {
      for (const other of ['A', 'z', '0', '.', '']) {
        const changed = next.slice(0, at) + other + next.slice(at + 1);
        if (changed !== next) expect(await codeOf(() => kv.page({}, { cursor: changed })), changed).toBe('KV_INVALID');
      }
    }
  });

  test('XE6: no cursor and no error of a name space tells its prefix', async () => {
    await using kv = await open(place(), { value: json() });
    const space = kv.namespace('hidden-prefix/', { value: broken });
    await kv.namespace('hidden-prefix/').put('good', 1);
    await kv.namespace('hidden-prefix/').put('poison', 'the secret');
    const { next = '' } = await kv.namespace('hidden-prefix/').page({}, { limit: 1 });
    expect(
      next
        .split('.')
        .map((part) => Buffer.from(part, 'base64url').toString('latin1'))
        .join(),
    ).not.toMatch(/hidden/);
    const errors = [
      await failure(() => space.get('poison')),
      await failure(() => collect(space.list({}))),
      await failure(() => collect(space.history('poison'))),
      await failure(() => collect(space.watch({}, { from: 3 }))),
      await failure(() => space.put('poison', 'unwritable')),
      await failure(() => space.txn({ then: [put('poison', 1), put('poison', 2)] })),
      await failure(() => space.write((section) => section.get('poison'))),
      await failure(() => space.delete('poison', { previous: true })),
    ];
    const codes = errors.map((error) => error.code);
    expect(codes).toEqual([
      ...['KV_DECODE', 'KV_DECODE', 'KV_DECODE', 'KV_DECODE'],
      ...['KV_ENCODE', 'KV_DUPLICATE_KEY', 'KV_DECODE', 'KV_DECODE'],
    ]);
    for (const error of errors) {
      expect(error).toHaveProperty('key', new Uint8Array(Buffer.from('poison')));
      expect(error.message).toContain('"poison"');
      expect(error.message).not.toMatch(/hidden|secret|unwritable/);
    }
  });

  test('XE6: a key that cannot be decoded, in a name space', async () => {
    const choosy: KeyCodec<string> = {
      encode: (text) => utf8.encode(text),
      decode(stored) {
        const text = utf8.decode(stored);
        if (text === 'bad') throw new Error(`refused: ${text}`);
        return text;
      },
    };
    await using kv = await open(place(), { key: choosy });
    await kv.put('hidden/bad', 'x');
    const error = await failure(() => collect(kv.namespace('hidden/').list({})));
    expect(error).toMatchObject({ code: 'KV_DECODE', key: new Uint8Array(Buffer.from('bad')), revision: 2 });
    expect(error.message).not.toMatch(/hidden|refused/);
  });
});

const broken: Codec<unknown> = {
  encode(value) {
    if (value === 'unwritable') throw new Error(`refused: ${value}`);
    return Buffer.from(JSON.stringify(value));
  },
  decode(stored) {
    const value: unknown = JSON.parse(Buffer.from(stored).toString());
    if (value === 'the secret') throw new Error(`refused: ${value}`);
    return value;
  },
};

test('law 2: a cursor leads on after a restart, at the revision of its first page', async () => {
  const path = temporaryFolder();
  const kv = await open(path);
  for (const key of ['a', 'b', 'c']) await kv.put(key, 'old');
  const { next: cursor, revision } = await kv.page({}, { limit: 1 });
  await kv.delete('b');
  await kv.put('d', 'new');
  await kv.close();
  await using again = await open(path);
  const page = await again.page({}, { limit: 5, cursor });
  expect(page.entries.map(({ key, value }) => `${key}=${value}`)).toEqual(['b=old', 'c=old']);
  expect([page.revision, page.next]).toEqual([revision, undefined]);
});
