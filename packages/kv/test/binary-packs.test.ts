/** Binary packs as codecs of values: what a store gives is what was put, over restarts, with kinds that JSON does not know. */
import { decode, encode } from 'cbor-x';
import { pack, unpack } from 'msgpackr';
import { deserialize, serialize } from 'node:v8';
import { expect, test } from 'vitest';
import { codeOf, file, open, type Codec } from '../src/index.ts';
import { temporaryFolder } from './helpers.ts';

interface Note {
  readonly made: Date;
  readonly bytes: Uint8Array;
  readonly parts: readonly (number | string | null | boolean)[];
}

const packs: readonly [string, Codec<Note>][] = [
  ['msgpackr', { encode: pack, decode: unpack as (bytes: Uint8Array) => Note }],
  ['cbor-x', { encode, decode: decode as (bytes: Uint8Array) => Note }],
  ['node:v8', { encode: serialize, decode: deserialize as (bytes: Uint8Array) => Note }],
];
const note = (n: number): Note => ({
  made: new Date(n),
  bytes: Uint8Array.of(n, 255, 0),
  parts: [n, 'ä', null, true, -1.5],
});

test.each(packs)('%s: what was put is what is read, listed, watched and found after a restart', async (_, value) => {
  const path = `${temporaryFolder()}/notes.db`;
  let kv = await open(file(path), { value });
  const watch = kv.watch({}, { from: 2 });
  for (let n = 0; n < 20; n++) await kv.put(`note/${n}`, note(n));
  const events = watch[Symbol.asyncIterator]();
  for (let n = 0; n < 20; n++) {
    const { value: event } = await events.next();
    expect(plain(event?.value)).toEqual(plain(note(n)));
  }
  await kv.close();
  kv = await open(file(path), { value });
  for await (const entry of kv.list({ prefix: 'note/' }))
    expect(plain(entry.value)).toEqual(plain(note(Number(entry.key.slice(5)))));
  expect(await kv.count({})).toBe(20);
  await kv.close();
});

test.each(packs)('%s: what it cannot read is KV_DECODE, and names the key', async (_, value) => {
  const path = `${temporaryFolder()}/notes.db`;
  const text = await open(file(path));
  await text.put('torn', '\u0001\u0002 not packed \u00ff'.repeat(3));
  await text.close();
  const kv = await open(file(path), { value: { ...value, decode: (bytes) => checked(value.decode(bytes)) } });
  const error: unknown = await kv.get('torn').catch((refusal: unknown) => refusal);
  expect(codeOf(error)).toBe('KV_DECODE');
  expect((error as Error).message).toContain('torn');
  await kv.close();
});

/** Packs say nothing of the shape: some of them read a number from any byte. */
function checked(found: Note): Note {
  if (!(Object(found).made instanceof Date)) throw new Error('not a note');
  return found;
}

/** Bytes as what they hold: some packs give a Buffer. */
function plain(found: Note | undefined): unknown {
  return found && { ...found, bytes: [...found.bytes] };
}
