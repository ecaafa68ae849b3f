/**
 * Changes as Server-Sent Events: a browser that lost the connection goes on where it was, by its Last-Event-ID.
 *
 *     createServer((request, response) => {
 *       sendEvents(kv, 'doc/', request, response).catch(console.error);
 *     }).listen(8080, '127.0.0.1');
 *
 * SSE1  An id is sent with the last of what it promises: one message a revision, so it never cuts one in two.
 * SSE2  `from` is inclusive, so the id that the browser has seen is not where to begin, but the one after it.
 * SSE3  An id that leads nowhere gets `reset` and the whole state.
 * SSE4  A browser that reads slowly is waited for, and one that is gone ends its watch.
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { codeOf, type Kv, type WatchOptions } from '@varve/kv';

/** Resolves when the browser is gone or the store is closed. */
export async function sendEvents(
  kv: Kv,
  prefix: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const send = async (text: string): Promise<void> => {
    if (!response.write(text)) await once(response, 'drain', { signal: gone.signal });
  };
  try {
    const seen = Number(request.headers['last-event-id'] ?? 0);
    // Above the present: an id of a store in whose place an older copy was put.
    const known = Number.isSafeInteger(seen) && seen > 0 && seen <= (await kv.status({ signal: gone.signal })).revision;
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    let start: WatchOptions = known ? { from: seen + 1 } : { initial: true };
    for (;;) {
      if (start.initial === true) await send('event: reset\ndata: []\n\n');
      const watch = kv.watch({ prefix }, { ...start, signal: gone.signal, progressIntervalMs: 15_000 });
      try {
        for await (const { revision, events, initial } of watch.batches()) {
          // Parts of the first state have no id; the empty batch after them has. Empty ones also keep proxies awake.
          const id = initial ? '' : `id: ${revision}\n`;
          await send(`${id}event: changes\ndata: ${JSON.stringify(events)}\n\n`);
        }
        return void response.end();
      } catch (error) {
        if (codeOf(error) !== 'MVCC_COMPACTED') throw error;
        start = { initial: true };
      }
    }
  } catch (error) {
    if (gone.signal.aborted) return;
    response.destroy();
    throw error;
  }
}
