/** Server-Sent Events over a real connection: a client that is cut off again and again misses nothing and sees nothing twice. */
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { memory, open, put, type EmbeddedKv, type KvEvent } from '@varve/kv';
import { expect, test } from 'vitest';
import { sendEvents } from '../src/server-sent-events.ts';
import { until } from './helpers.ts';

interface Message {
  readonly id?: string | undefined;
  readonly event: string;
  readonly data: readonly KvEvent<string, string>[];
}

/** A server of one store, and how its calls ended. */
class Site implements AsyncDisposable {
  readonly #server = createServer((request, response) => this.#answer(request, response));
  readonly ends: unknown[] = [];
  readonly kv: EmbeddedKv;

  constructor(kv: EmbeddedKv) {
    this.kv = kv;
  }

  static async open(kv: EmbeddedKv): Promise<Site> {
    const site = new Site(kv);
    site.#server.listen(0, '127.0.0.1');
    await once(site.#server, 'listening');
    return site;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    sendEvents(this.kv, 'doc/', request, response).then(
      () => this.ends.push('fine'),
      (error: unknown) => this.ends.push(error),
    );
  }

  /** Reads messages until the loop is left, which cuts the connection. */
  async *messages(lastEventId?: string): AsyncGenerator<Message> {
    const { port } = this.#server.address() as AddressInfo;
    const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    const request = get({ host: '127.0.0.1', port, headers, agent: false });
    try {
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      expect(response.headers['content-type']).toBe('text/event-stream');
      let text = '';
      for await (const chunk of response.setEncoding('utf8')) {
        text += chunk as string;
        for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
          const fields = new Map(
            text
              .slice(0, end)
              .split('\n')
              .map((line) => line.split(/: (.*)/s, 2) as [string, string]),
          );
          text = text.slice(end + 2);
          yield {
            id: fields.get('id'),
            event: fields.get('event') ?? '',
            data: JSON.parse(fields.get('data') ?? '') as Message['data'],
          };
        }
      }
    } finally {
      request.destroy();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

test('a new client gets the state, then each revision as one message with its id', async () => {
  await using kv = await open(memory());
  await kv.put('doc/a', '1');
  const { revision: present } = await kv.put('other', 'x');
  await using site = await Site.open(kv);
  const seen: Message[] = [];
  for await (const message of site.messages()) {
    seen.push(message);
    if (seen.length === 3) await kv.txn({ then: [put('doc/a', '2'), put('doc/b', '2')] });
    if (seen.length === 4) break;
  }
  expect(seen.map(({ id, event, data }) => [id, event, data.map(({ key, value }) => `${key}=${value}`)])).toEqual([
    [undefined, 'reset', []],
    [undefined, 'changes', ['doc/a=1']],
    [String(present), 'changes', []],
    [String(present + 1), 'changes', ['doc/a=2', 'doc/b=2']],
  ]);
});

test('SSE1, SSE2: a client that is cut off after each message has every event once', async () => {
  await using kv = await open(memory());
  await using site = await Site.open(kv);
  const { revision: start } = await kv.put('doc/0', 'x');
  for (let i = 1; i <= 10; i++) await kv.txn({ then: [put(`doc/${i}`, 'a'), put(`doc/${i}b`, 'b')] });
  const keys: string[] = [];
  let id = String(start);
  while (keys.length < 20) {
    for await (const message of site.messages(id)) {
      expect(message.event).toBe('changes');
      keys.push(...message.data.map(({ key }) => key));
      id = message.id ?? id;
      break;
    }
  }
  expect(keys).toEqual(Array.from({ length: 10 }, (_, i) => [`doc/${i + 1}`, `doc/${i + 1}b`]).flat());
});

test.each([
  ['compacted', '2'],
  ['of a future that is not there', '1000000'],
  ['no number', 'x'],
])('SSE3: an id that is %s gets a reset and the whole state', async (_, id) => {
  await using kv = await open(memory());
  for (const value of ['1', '2', '3']) await kv.put('doc/a', value);
  await kv.compact(kv.revision, { physical: true });
  await using site = await Site.open(kv);
  const seen: Message[] = [];
  for await (const message of site.messages(id)) {
    seen.push(message);
    if (message.id !== undefined) break;
  }
  expect(seen.map(({ event, data }) => [event, data.map(({ value }) => value)])).toEqual([
    ['reset', []],
    ['changes', ['3']],
    ['changes', []],
  ]);
});

test('SSE4: a client that is gone ends its watch', async () => {
  await using kv = await open(memory());
  await using site = await Site.open(kv);
  for await (const _ of site.messages()) break;
  await until('the call to end', () => site.ends.length === 1);
  expect(site.ends).toEqual(['fine']);
  expect(kv.stats().watch.watchers).toBe(0);
});

test('SSE4: a client that does not read is waited for, and gets all when it does', async () => {
  await using kv = await open(memory());
  await using site = await Site.open(kv);
  const changes = 200;
  const long = 'x'.repeat(100_000);
  let events = 0;
  for await (const message of site.messages()) {
    // While this loop waits, nobody reads the connection.
    if (message.event === 'reset') for (let i = 0; i < changes; i++) await kv.put('doc/a', `${i}${long}`);
    events += message.data.length;
    if (message.data.at(-1)?.value === `${changes - 1}${long}`) break;
  }
  expect(events).toBe(changes);
});

test('closing the store ends the response, so the client comes again', async () => {
  const kv = await open(memory());
  await using site = await Site.open(kv);
  for await (const message of site.messages()) if (message.id !== undefined) await kv.close();
  expect(site.ends).toEqual(['fine']);
});
