/**
 * Offline first: a browser writes into a store of its own, and both sides agree when they can reach each other.
 *
 * OFL1  What is shown is what was written here, over what the server said. Writing never waits for the server.
 * OFL2  A change goes up with the revision of the server that it was made from: two that were made from the same one are a conflict, and
 *       `merge` decides. One whose answer was lost is sent again, and found to be there.
 * OFL3  What comes down is stored with the id of its message, as one transaction: the page goes on there, whenever it was closed.
 *     At `reset`, `{ prefix: 'said/' }` and `cursor` are deleted in one, and the state comes.
 * OFL4  Answers and messages overtake each other: of two, the newer one is kept. So nothing is deleted; what is empty is gone.
 */
import type { Kv, KvEvent, Transaction } from '@varve/kv/memory';

export interface Doc {
  readonly text: string;
  /** The revision of the server that it is, or was made from; 0: none. */
  readonly revision: number;
}

/** The browser's: `said/KEY`, `mine/KEY`, and `cursor`. Open it with `json<Doc>()`. */
export type Local = Kv<string, Doc>;

/** At the server: takes a change, if it was made from what is there. Returns what is there then. */
export async function accept(kv: Kv, key: string, { text, revision }: Doc): Promise<Doc> {
  const done = revision === 0 ? await kv.create(key, text) : await kv.update(key, text, { revision });
  if (done.succeeded) return { text, revision: done.revision };
  return { text: done.entry?.value ?? '', revision: done.entry?.modRevision ?? 0 };
}

export const show = async (local: Pick<Local, 'get'>, key: string): Promise<Doc | undefined> =>
  ((await local.get(`mine/${key}`)) ?? (await local.get(`said/${key}`)))?.value;

export const write = (local: Local, key: string, text: string): Promise<unknown> =>
  local.transaction(async (tx) => tx.put(`mine/${key}`, { text, revision: (await show(tx, key))?.revision ?? 0 }));

export type Send = (key: string, mine: Doc) => Promise<Doc>;
export type Merge = (mine: string, theirs: string) => string;

/** Sends what was written here. @param send gives what `accept` answers */
export async function push(local: Local, send: Send, merge: Merge): Promise<void> {
  for await (const { key, value: sent, modRevision } of local.list({ prefix: 'mine/' })) {
    const theirs = await send(key.slice(5), sent);
    const isTaken = theirs.text === sent.text;
    await local.transaction(async (tx) => {
      const mine = (await tx.get(key)) ?? { value: sent, modRevision };
      await learn(tx, key.slice(5), theirs);
      if (isTaken && mine.modRevision === modRevision) return tx.delete(key);
      const text = isTaken ? mine.value.text : merge(mine.value.text, theirs.text);
      tx.put(key, { text, revision: theirs.revision });
    });
  }
}

/** Stores a message of the server. @param id of the message; parts of a first state have none */
export async function pull(local: Local, events: readonly KvEvent<string, string>[], id?: number): Promise<void> {
  await local.transaction(async (tx) => {
    for (const { key, value: text = '', revision } of events) await learn(tx, key, { text, revision });
    if (id !== undefined) tx.put('cursor', { text: '', revision: id });
  });
}

async function learn(tx: Transaction<string, Doc>, key: string, doc: Doc): Promise<void> {
  if (doc.revision > ((await tx.get(`said/${key}`))?.value.revision ?? 0)) tx.put(`said/${key}`, doc);
}
