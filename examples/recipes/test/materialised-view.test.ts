/** The view equals what the orders add up to, whatever happens to whoever keeps it. */
import { json, memory, open, put, remove, type EmbeddedKv, type Kv } from '@varve/kv';
import { expect, test } from 'vitest';
import { maintain, type Order, type View } from '../src/materialised-view.ts';
import { until } from './helpers.ts';

async function stores(): Promise<{ kv: EmbeddedKv; orders: Kv<string, Order>; view: View }> {
  const kv = await open(memory());
  return {
    kv,
    orders: kv.namespace('order/', { value: json<Order>() }),
    view: kv.namespace('view/', { value: json<number | Order>() }),
  };
}

async function expected(orders: Kv<string, Order>): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  for await (const { value } of orders.list({})) sums[value.city] = (sums[value.city] ?? 0) + value.total;
  delete sums['none'];
  return sums;
}

async function shown(view: View): Promise<Record<string, number>> {
  const sums = await view.list({ prefix: 'sum/' }).toArray();
  return Object.fromEntries(
    sums.filter(({ value }) => value !== 0).map(({ key, value }) => [key.slice(4), Number(value)]),
  );
}

/** Runs whoever keeps the view until it has seen everything, then ends it. */
async function keep(orders: Kv<string, Order>, view: View): Promise<void> {
  const last = await orders.put('last', { city: 'none', total: 0 });
  const stop = new AbortController();
  const ended = maintain(orders, view, stop.signal);
  await until('the view', async () => Number((await view.get('cursor'))?.value ?? 0) >= last.revision);
  stop.abort();
  await ended;
  expect(await shown(view)).toEqual(await expected(orders));
}

test('MVW1: orders that come, change and go; who keeps the view stops and goes on', async () => {
  const { kv, orders, view } = await stores();
  await using _ = kv;
  await orders.put('1', { city: 'Basel', total: 5 });
  await orders.put('2', { city: 'Bern', total: 7 });
  await keep(orders, view);
  await orders.put('1', { city: 'Bern', total: 6 });
  await orders.txn({ then: [put('3', { city: 'Basel', total: 1 }), remove('2')] });
  await keep(orders, view);
  expect(await shown(view)).toEqual({ Bern: 6, Basel: 1 });
});

test('MVW1: two that keep the same view count nothing twice', async () => {
  const { kv, orders, view } = await stores();
  await using _ = kv;
  const stop = new AbortController();
  const both = [maintain(orders, view, stop.signal), maintain(orders, view, stop.signal)];
  for (let i = 0; i < 50; i++) await orders.put(String(i % 7), { city: `city ${i % 3}`, total: i });
  await until('the view', async () => {
    return (
      JSON.stringify(await shown(view)) ===
      JSON.stringify(Object.fromEntries(Object.entries(await expected(orders)).toSorted()))
    );
  });
  stop.abort();
  await Promise.all(both);
});

test('MVW2, MVW3: what was compacted meanwhile is made up for, deletions included', async () => {
  const { kv, orders, view } = await stores();
  await using _ = kv;
  await orders.put('1', { city: 'Basel', total: 5 });
  await orders.put('2', { city: 'Bern', total: 7 });
  await keep(orders, view);
  await orders.delete('1');
  await orders.put('2', { city: 'Bern', total: 8 });
  await kv.compact(kv.revision);
  await keep(orders, view);
  expect(await shown(view)).toEqual({ Bern: 8 });
});
