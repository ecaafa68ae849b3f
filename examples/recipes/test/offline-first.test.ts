/** Two browsers and a server: SSE down, POST up, with connections that break and answers that are lost. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { memory, open, remove, type EmbeddedKv, type KvEvent } from '@varve/kv';
import { json, open as openLocal } from '@varve/kv/memory';
import { expect, onTestFinished, test } from 'vitest';
import { accept, pull, push, show, write, type Doc, type Local, type Merge } from '../src/offline-first.ts';
import { sendEvents } from '../src/server-sent-events.ts';
import { until } from './helpers.ts';

async function serve(): Promise<{ kv: EmbeddedKv; url: string }> {
  const kv = await open(memory());
  const docs = kv.namespace('doc/');
  const server = createServer((request, response) => {
    if (request.method === 'GET') return void sendEvents(docs, 'note', request, response).catch(() => undefined);
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.on('end', () => {
      const [key, doc] = JSON.parse(text) as [string, Doc];
      void accept(docs, key, doc).then((answer) => response.end(JSON.stringify(answer)));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await kv.close();
  });
  return { kv, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

class Browser {
  readonly local: Local;
  readonly #url: string;
  #line: AbortController | undefined;
  #ended: Promise<void> | undefined;
  messages = 0;
  resets = 0;

  constructor(local: Local, url: string) {
    this.local = local;
    this.#url = url;
  }

  static async open(url: string): Promise<Browser> {
    const local = await openLocal<string, Doc>(undefined, { value: json<Doc>() });
    const browser = new Browser(local, url);
    onTestFinished(() => browser.goOffline());
    return browser;
  }

  goOnline(): void {
    const line = new AbortController();
    this.#line = line;
    this.#ended = this.#read(line.signal).catch((error: unknown) => {
      if (!line.signal.aborted) throw error;
    });
  }

  async goOffline(): Promise<void> {
    this.#line?.abort();
    await this.#ended;
  }

  push(merge: Merge, lose = false): Promise<void> {
    const send = async (key: string, doc: Doc): Promise<Doc> => {
      const response = await fetch(this.#url, { method: 'POST', body: JSON.stringify([key, doc]) });
      const answer = (await response.json()) as Doc;
      if (lose) throw new Error('the answer was lost');
      return answer;
    };
    return push(this.local, send, merge);
  }

  async text(key: string): Promise<string | undefined> {
    return (await show(this.local, key))?.text;
  }

  /** What `EventSource` does. */
  async #read(signal: AbortSignal): Promise<void> {
    const cursor = (await this.local.get('cursor'))?.value.revision;
    const headers = cursor === undefined ? {} : { 'last-event-id': String(cursor) };
    const response = await fetch(this.#url, { headers, signal });
    let text = '';
    for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
      text += part;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(message)?.[1];
        const message = text.slice(0, end);
        text = text.slice(end + 2);
        this.messages++;
        if (field('event') === 'reset') {
          this.resets++;
          await this.local.txn({ then: [remove({ prefix: 'said/' }), remove('cursor')] });
          continue;
        }
        const id = field('id');
        const events = JSON.parse(field('data') ?? '[]') as KvEvent<string, string>[];
        await pull(this.local, events, id === undefined ? undefined : Number(id));
      }
    }
  }
}

const both = (mine: string, theirs: string): string =>
  [...new Set([...theirs.split(' '), ...mine.split(' ')])].join(' ');

test('OFL1: what is written offline is shown at once, goes up later, and comes down everywhere', async () => {
  const { kv, url } = await serve();
  const [ann, bob] = [await Browser.open(url), await Browser.open(url)];
  bob.goOnline();
  await write(ann.local, 'note', 'milk');
  await write(ann.local, 'note', 'milk bread');
  expect(await ann.text('note')).toBe('milk bread');
  await ann.push(both);
  expect((await kv.get('doc/note'))?.value).toBe('milk bread');
  expect(await ann.local.count({ prefix: 'mine/' })).toBe(0);
  await until('the note', async () => (await bob.text('note')) === 'milk bread');
});

test('OFL2: two changes of the same note are merged, and both sides agree in the end', async () => {
  const { url } = await serve();
  const [ann, bob] = [await Browser.open(url), await Browser.open(url)];
  for (const one of [ann, bob]) one.goOnline();
  await write(ann.local, 'note', 'milk');
  await ann.push(both);
  await until('the note', async () => (await bob.text('note')) === 'milk');
  await write(ann.local, 'note', 'milk bread');
  await write(bob.local, 'note', 'milk tea');
  await ann.push(both);
  await bob.push(both); // is told of the bread
  await bob.push(both);
  for (const one of [ann, bob]) await until('both', async () => (await one.text('note')) === 'milk bread tea');
  expect(await bob.local.count({ prefix: 'mine/' })).toBe(0);
});

test('OFL2: a change whose answer was lost is made once', async () => {
  const { kv, url } = await serve();
  const ann = await Browser.open(url);
  await write(ann.local, 'note', 'milk');
  await expect(ann.push(both, true)).rejects.toThrow('the answer was lost');
  await ann.push(both);
  expect((await kv.get('doc/note'))?.version).toBe(1);
  expect(await ann.local.count({ prefix: 'mine/' })).toBe(0);
});

test('OFL1, OFL2: what is typed while a change is on its way is not lost', async () => {
  const { kv, url } = await serve();
  const ann = await Browser.open(url);
  await write(ann.local, 'note', 'milk');
  const docs = kv.namespace('doc/');
  await push(
    ann.local,
    async (key, doc) => {
      await write(ann.local, 'note', 'milk bread');
      return accept(docs, key, doc);
    },
    both,
  );
  expect(await ann.text('note')).toBe('milk bread');
  await ann.push(both);
  expect((await kv.get('doc/note'))?.value).toBe('milk bread');
});

test('OFL3: a browser that was away goes on where it was, and begins anew where that is gone', async () => {
  const { kv, url } = await serve();
  const ann = await Browser.open(url);
  ann.goOnline();
  await kv.put('doc/note', 'one');
  // The state may come in parts, and the cursor behind it.
  await until('the first', async () => ((await ann.local.get('cursor'))?.value.revision ?? 0) >= kv.revision);
  await ann.goOffline();
  const resets = ann.resets;
  await kv.put('doc/note', 'two');
  ann.goOnline();
  await until('the second', async () => (await ann.text('note')) === 'two');
  expect(ann.resets).toBe(resets);
  await ann.goOffline();
  await kv.put('doc/note', 'three');
  await kv.put('doc/note', 'four');
  await kv.compact(kv.revision);
  ann.goOnline();
  await until('the state', async () => (await ann.text('note')) === 'four');
  expect(ann.resets).toBe(resets + 1);
});

test('OFL4: an answer that comes behind a newer message does not bring back what was', async () => {
  const { url } = await serve();
  const ann = await Browser.open(url);
  await pull(
    ann.local,
    [{ type: 'put', key: 'note', value: 'new', revision: 9, version: 2, createRevision: 1, modRevision: 9 }],
    9,
  );
  await write(ann.local, 'note', 'old');
  await push(ann.local, () => Promise.resolve({ text: 'old', revision: 8 }), both);
  expect(await show(ann.local, 'note')).toEqual({ text: 'new', revision: 9 });
});
