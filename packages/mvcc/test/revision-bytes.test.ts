import { compareRevisions } from '@varve/index';
import { expect, test } from 'vitest';
import {
  checkRevisionBytes,
  isTombstone,
  readMain,
  readSub,
  revisionBytes,
  tombstoneBytes,
} from '../src/revision-bytes.ts';
import { bytes, codeOf, hex } from './support.ts';

test('M1: revisions compare by main, then sub', () => {
  const revisions = [
    { main: 2, sub: 0 },
    { main: 2, sub: 1 },
    { main: 3, sub: 0 },
  ];
  for (const [i, a] of revisions.entries()) {
    for (const [j, b] of revisions.entries()) expect(Math.sign(compareRevisions(a, b))).toBe(Math.sign(i - j));
  }
});

test.each([
  [2, 0, false, '00000000000000025f0000000000000000'],
  [258, 3, false, '00000000000001025f0000000000000003'],
  [258, 3, true, '00000000000001025f000000000000000374'],
  [4, 0, true, '00000000000000045f000000000000000074'],
  [300, 0, false, '000000000000012c5f0000000000000000'],
  [2 ** 32 + 5, 2 ** 31, false, '00000001000000055f0000000080000000'],
  [2 ** 53 - 1, 2 ** 53 - 1, false, '001fffffffffffff5f001fffffffffffff'],
])('M2: (%d, %d), tombstone %s', (main, sub, tombstone, want) => {
  const encoded = tombstone ? tombstoneBytes(main, sub) : revisionBytes(main, sub);
  expect(hex(encoded)).toBe(want);
  checkRevisionBytes(encoded);
  expect([readMain(encoded), readSub(encoded), isTombstone(encoded)]).toEqual([main, sub, tombstone]);
});

test('M3: byte order is the order of revisions', () => {
  const inOrder = [
    revisionBytes(2, 0),
    tombstoneBytes(2, 1),
    revisionBytes(10, 0),
    revisionBytes(256, 0),
    tombstoneBytes(258, 3),
  ];
  expect(inOrder.toReversed().toSorted((a, b) => Buffer.compare(a, b))).toEqual(inOrder);
});

test('M4: what is no revision is corruption', async () => {
  const wrong = revisionBytes(2, 0);
  wrong[8] = 0;
  const negative = revisionBytes(2, 0);
  negative[0] = 0xff;
  const negativeSub = revisionBytes(2, 0);
  negativeSub[9] = 0x80;
  const beyond = revisionBytes(2, 0);
  beyond[1] = 0x20;
  for (const key of [new Uint8Array(16), new Uint8Array(19), wrong, negative, negativeSub, beyond]) {
    expect(await codeOf(() => checkRevisionBytes(key))).toBe('MVCC_CORRUPT');
  }
});

test("M5: an 18th byte other than 't' is no tombstone", () => {
  const key = new Uint8Array([...revisionBytes(258, 3), ...bytes('x')]);
  checkRevisionBytes(key);
  expect([readMain(key), readSub(key), isTombstone(key)]).toEqual([258, 3, false]);
});
