/**
 * A view that is kept: the total of all orders of each city, ready to be read.
 *
 * MVW1  What an event changes and how far the view is are one transaction: after a crash nothing is counted twice, nothing left out.
 * MVW2  What was counted of an order stands in the view itself: the value that an event replaces may be compacted.
 * MVW3  A view that cannot go on, because its history is compacted, begins anew.
 */
import { codeOf, type Kv, type KvEvent, type Transaction } from '@varve/kv';

export interface Order {
  readonly city: string;
  readonly total: number;
}

/** `sum/CITY`; `of/ORDER`, what was counted; `cursor`, the revision of the orders that the view is of. Open it with `json()`. */
export type View = Kv<string, number | Order>;

/** Keeps the view until the signal is aborted. @param orders and the view are name spaces of one store, or of two */
export async function maintain(orders: Kv<string, Order>, view: View, signal: AbortSignal): Promise<void> {
  for (;;) {
    const cursor = await view.get('cursor');
    if (cursor === undefined) while ((await view.delete({ all: true }, { limit: 1000 })).more);
    const start = cursor === undefined ? { initial: true } : { from: Number(cursor.value) + 1 };
    try {
      for await (const { events, initial, revision } of orders.watch({}, { ...start, signal }).batches()) {
        // The first state may be long: order by order, and the cursor when all of it is there.
        for (const part of initial ? events.map((event) => [event]) : [events]) {
          await view.transaction(async (tx) => {
            if (!initial && Number((await tx.get('cursor'))?.value ?? 0) >= revision) return;
            for (const event of part) await count(tx, event);
            if (!initial) tx.put('cursor', revision);
          });
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      if (codeOf(error) !== 'MVCC_COMPACTED') throw error;
      await view.delete('cursor');
    }
  }
}

type Counted = KvEvent<string, Order>;

async function count(tx: Transaction<string, number | Order>, { key, value }: Counted): Promise<void> {
  const counted = (await tx.get(`of/${key}`))?.value as Order | undefined;
  const add = async (city: string, total: number): Promise<void> =>
    tx.put(`sum/${city}`, Number((await tx.get(`sum/${city}`))?.value ?? 0) + total);
  if (counted !== undefined) await add(counted.city, -counted.total);
  if (value === undefined) return tx.delete(`of/${key}`);
  await add(value.city, value.total);
  tx.put(`of/${key}`, value);
}
