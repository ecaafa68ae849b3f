import { expect, test } from 'vitest';
import { type CostedTxn, leaseGrantCost, putCost, quotaOf, txnCost } from '../src/index.ts';

test('B50 the limit: 0 is 2 GiB, negative is none, otherwise that many bytes, strictly', () => {
  expect(putCost(3, 3)).toBe(262);
  expect(quotaOf({ size: 0 }).limit).toBe(2 * 1024 ** 3);
  expect(quotaOf({ size: 0 }, 0).limit).toBe(2 * 1024 ** 3);
  const none = quotaOf({ size: 1e15 }, -1);
  expect([none.limit, none.remaining, none.available(1e15)]).toEqual([undefined, 1, true]);
  const store = { size: 600 };
  const quota = quotaOf(store, 1_000);
  expect(quota.available(262)).toBe(true);
  expect(quota.remaining).toBe(400);
  store.size = 738;
  expect(quota.available(262)).toBe(false);
  store.size = 737;
  expect(quota.available(262)).toBe(true);
  expect(quota.warning).toBeUndefined();
  expect(quotaOf(store, 9 * 1024 ** 3).warning).toContain('quota');
  expect(() => quotaOf(store, Number.NaN)).toThrow(RangeError);
});

test('B51 BD6 over the quota: what costs is refused, what frees is not', () => {
  const quota = quotaOf({ size: 2_000 }, 1_000);
  expect(quota.available(putCost(1, 1))).toBe(false);
  expect(quota.available(txnCost({ success: [{ type: 'free' }, { type: 'free' }], failure: [] }))).toBe(true);
  expect(quota.available(0)).toBe(true);
  expect(leaseGrantCost()).toBe(64);
  expect(quota.available(leaseGrantCost())).toBe(false);
  expect(quota.remaining).toBe(-1_000);
});

test('B52 a transaction costs its dearer branch, nested ones counted the same way', () => {
  const put = (keyLength: number, valueLength: number) => ({ type: 'put', keyLength, valueLength }) as const;
  expect(txnCost({ success: [put(3, 3)], failure: [put(100, 100)] })).toBe(456);
  const nested: CostedTxn = { success: [put(10, 12)], failure: [] };
  expect(txnCost({ success: [{ type: 'txn', txn: nested }], failure: [] })).toBe(278);
  expect(
    txnCost({
      success: [put(1, 1), { type: 'txn', txn: { success: [put(1, 1)], failure: [put(1, 1), put(1, 1)] } }, put(1, 1)],
      failure: [put(1, 1), put(1, 1), put(1, 1)],
    }),
  ).toBe(4 * 258);
  expect(txnCost({ success: [], failure: [] })).toBe(0);
});

test('R6 nesting of any depth is counted', () => {
  let txn: CostedTxn = { success: [{ type: 'put', keyLength: 1, valueLength: 1 }], failure: [] };
  for (let depth = 0; depth < 50_000; depth += 1) txn = { success: [], failure: [{ type: 'txn', txn }] };
  expect(txnCost(txn)).toBe(258);
});
