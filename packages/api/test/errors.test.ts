/** ER1: the codes of errors are one closed set, and the page of errors has each of them. */
import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { codeOf, kvCodes, KvError } from '../src/index.ts';
import { invalidType } from '../src/errors.ts';
import { isUint8Array, kindOf } from '../src/kind.ts';

test('XD2: every code has a row in docs/errors.md', () => {
  const page = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
  expect(kvCodes.filter((code) => !page.includes(`| \`${code}\` |`))).toEqual([]);
  expect(new Set(kvCodes).size).toBe(kvCodes.length);
});

test('the code of an error, whatever its class, and of nothing else', () => {
  expect(codeOf(new KvError('KV_CLOSED', 'closed'))).toBe('KV_CLOSED');
  expect(codeOf(new KvError('MVCC_COMPACTED', 'gone', { compactRevision: 7 }))).toBe('MVCC_COMPACTED');
  expect(codeOf(invalidType('wrong'))).toBe('KV_INVALID');
  expect(codeOf(Object.assign(new Error('of another package'), { code: 'BACKEND_FAILED' }))).toBe('BACKEND_FAILED');
  for (const other of [
    undefined,
    null,
    'KV_CLOSED',
    new Error('x'),
    { code: 'ENOENT' },
    { code: 'toString' },
    { code: 7 },
  ]) {
    expect(codeOf(other)).toBeUndefined();
  }
});

test('an error has the facts that were given, and no others', () => {
  const error = new KvError('MVCC_FUTURE_REVISION', 'not yet', { currentRevision: 3, cause: 'why' });
  expect(Object.fromEntries(Object.entries(error))).toEqual({
    name: 'KvError',
    code: 'MVCC_FUTURE_REVISION',
    currentRevision: 3,
  });
  expect(error.cause).toBe('why');
});

test('XD1: kinds are told across realms', () => {
  const other: unknown[] = runInNewContext(
    '[new Uint8Array(1), new Map(), new Set(), new Date(), Promise.resolve(), [], {}, new Uint16Array(1)]',
  ) as unknown[];
  expect(other.map(kindOf)).toEqual([
    'a Uint8Array',
    'a Map',
    'a Set',
    'a Date',
    'a promise',
    'an array',
    'an object',
    'an object',
  ]);
  expect(kindOf(Buffer.of(1))).toBe('a Buffer');
  expect([other[0], Buffer.of(1), new Uint8Array(1)].every(isUint8Array)).toBe(true);
  expect(
    [other[7], { [Symbol.toStringTag]: 'Uint8Array' }, new DataView(new ArrayBuffer(1)), null].some(isUint8Array),
  ).toBe(false);
});
