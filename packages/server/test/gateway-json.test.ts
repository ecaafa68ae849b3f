import { create, equals, fromBinary, toBinary, toJsonString, type DescMessage, type Message } from '@bufbuild/protobuf';
import { files, PutRequestSchema, RangeRequestSchema, TxnRequestSchema } from '@varve/etcd-api';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Chunks } from '../src/gateway/chunks.ts';
import type { JsonDocument } from '../src/gateway/json/json-document.ts';
import { JsonError } from '../src/gateway/json/json-error.ts';
import { readMessage } from '../src/gateway/json/read-message.ts';
import { JsonTooLarge, Scanner, type ScanLimits } from '../src/gateway/json/scanner.ts';
import { writeMessage } from '../src/gateway/json/write-message.ts';
import { messageOf } from './support/random-messages.ts';

const limits: ScanLimits = { bytes: 10_000_000, values: 100_000 };
const runs = process.env['VARVE_LARGE'] === '1' ? 5000 : 300;

/** The first document of pieces, or undefined where there is none. */
function scan(pieces: readonly Buffer[], most: ScanLimits = limits): JsonDocument | undefined {
  const scanner = new Scanner(most);
  for (const piece of pieces) {
    if (scanner.feed(piece) >= 0) return scanner.document();
  }
  return scanner.finish() ? scanner.document() : undefined;
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const edges = [...new Set([0, ...places.map((place) => place % (bytes.length + 1)), bytes.length])].toSorted(
    (a, b) => a - b,
  );
  return edges.slice(1).map((edge, at) => bytes.subarray(edges[at], edge));
}

/** What a document says, by the places alone. */
function valueOf(document: JsonDocument, place = 0): unknown {
  const first = String.fromCharCode(document.first(place));
  const inner: unknown[] = [];
  if (first !== '{' && first !== '[') return first === '"' ? document.string(place) : JSON.parse(document.raw(place));
  for (let at = place + 1; at < document.after(place); at = document.after(at)) inner.push(valueOf(document, at));
  if (first === '[') return inner;
  const pairs = Array.from({ length: inner.length / 2 }, (_, at) => [inner[at * 2], inner[at * 2 + 1]]);
  return Object.fromEntries(pairs) as unknown;
}

describe('documents', () => {
  test('R19: any JSON, in any pieces, is what JSON.parse says', () => {
    const spaced = fc.tuple(fc.json({ depthSize: 'medium', maxDepth: 6 }), fc.constantFrom(0, 1, '\t'));
    fc.assert(
      fc.property(spaced, fc.array(fc.nat()), ([text, space], places) => {
        const json = JSON.stringify(JSON.parse(text), null, space);
        const document = scan(cut(Buffer.from(json), places));
        const want = JSON.stringify(JSON.parse(Buffer.from(json).toString()));
        expect(JSON.stringify(document === undefined ? undefined : valueOf(document))).toBe(want);
      }),
      { numRuns: runs },
    );
  });

  test('what JSON.parse refuses is refused, and nothing else', () => {
    const pieces = [
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '"a"',
      '1',
      '-',
      '.',
      'e',
      'true',
      'nul',
      '\\',
      '\\u00',
      ' ',
      '\n',
      '\x01',
      '0',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 12 }), fc.array(fc.nat()), (parts, places) => {
        // In brackets: on its own, what follows the first document is another one.
        const text = `[${parts.join('')}]`;
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        let document: JsonDocument | undefined;
        try {
          document = scan(cut(Buffer.from(text), places));
        } catch (error) {
          expect(error).toBeInstanceOf(JsonError);
        }
        expect(document !== undefined && document.bytes.length === Buffer.byteLength(text)).toBe(isJson);
      }),
      { numRuns: runs * 4 },
    );
  });

  test('a document ends where it ends', () => {
    const scanner = new Scanner(limits);
    expect(scanner.feed(Buffer.from('  {"a":[]} {"b"'))).toBe(10);
    expect(scanner.document().bytes.toString()).toBe('{"a":[]}');
    expect(scan([Buffer.from(' \n')])).toBeUndefined();
    expect(valueOf(scan([Buffer.from('12')])!)).toBe(12);
    expect(() => scan([Buffer.from('{"a"')])).toThrow('unexpected EOF');
  });

  test('long strings: what is wrong within is found, and escapes cost no more than other bytes', () => {
    const long = 'x'.repeat(5000);
    expect(valueOf(scan([Buffer.from(`["${long}\\n${long}","${long}"]`)])!)).toEqual([`${long}\n${long}`, long]);
    expect(() => scan([Buffer.from(`["${long}\n${long}"]`)])).toThrow("invalid character '\\n' in string literal");
    expect(() => scan([Buffer.from(`["${long}\\q${long}"]`)])).toThrow("invalid character 'q' in string escape code");
    const pairs = Buffer.from(`"${'\\"'.repeat(1_000_000)}"`);
    expect(scan([pairs])!.string(0).length).toBe(1_000_000);
  });

  test('R116: depth, bytes and values are bounded', () => {
    const deep = (levels: number): Buffer => Buffer.from('['.repeat(levels) + ']'.repeat(levels));
    expect(scan([deep(10_000)])).toBeDefined();
    expect(() => scan([deep(10_001)])).toThrow("invalid character '[' exceeded max depth");
    expect(() => scan([Buffer.from('[1,2,3]')], { bytes: 6, values: 10 })).toThrow(JsonTooLarge);
    expect(() => scan([Buffer.from('[1,2,3]')], { bytes: 10, values: 3 })).toThrow(JsonTooLarge);
  });
});

const messages: readonly DescMessage[] = files
  .flatMap((file) => file.messages)
  .filter(({ typeName }) => /^(etcdserverpb|v3lockpb|v3electionpb)\..*(Request|Response)$/.test(typeName));

function read(desc: DescMessage, text: string): Message {
  return readMessage(desc, scan([Buffer.from(text)])!) as Message;
}

describe('messages', () => {
  test('C4, C5: what protobuf-es prints is read, and what we print is read by it and by us', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...messages),
        fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
        (desc, chances) => {
          const message = messageOf(desc, () => Number(chances.next().value));
          const bytes = toBinary(desc, message);
          for (const options of [
            {},
            { useProtoFieldName: true },
            { enumAsInteger: true },
            { alwaysEmitImplicit: true },
          ]) {
            expect(equals(desc, read(desc, toJsonString(desc, message, options)), message)).toBe(true);
          }
          const text = writeMessage(desc, bytes);
          expect(JSON.parse(text)).toEqual(JSON.parse(toJsonString(desc, message, { useProtoFieldName: true })));
          expect(equals(desc, read(desc, text), message)).toBe(true);
        },
      ),
      { numRuns: runs },
    );
  });

  test('a chunk is what would be printed, whatever was printed before', () => {
    const chunks = new Chunks();
    const chance = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }));
    const step = fc.tuple(fc.constantFrom(...messages.slice(0, 3)), chance, fc.integer({ min: 1, max: 3 }));
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        for (const [desc, chances, times] of steps) {
          const bytes = Buffer.from(
            toBinary(
              desc,
              messageOf(desc, () => Number(chances.next().value)),
            ),
          );
          const want = `{"result":${writeMessage(desc, bytes)}}\n`;
          for (let time = 0; time < times; time++) expect(chunks.of(desc, bytes).toString()).toBe(want);
          // Whoever has made the bytes may use them again.
          bytes.fill(0);
        }
      }),
      { numRuns: 100 },
    );
  });

  test('R19: a message has its own fields only', () => {
    const put = read(
      PutRequestSchema,
      '{"__proto__":{"key":"YQ=="},"constructor":1,"toString":2,"$typeName":"x","$unknown":3}',
    );
    expect(equals(PutRequestSchema, put as never, create(PutRequestSchema))).toBe(true);
    expect(Object.getPrototypeOf(put)).toBe(Object.getPrototypeOf(create(PutRequestSchema)));
  });

  test('anything that is JSON is a message or a JsonError', () => {
    const names = [
      'key',
      'range_end',
      'limit',
      'sortOrder',
      'compare',
      'success',
      'request_range',
      'requestTxn',
      'value',
      '__proto__',
    ];
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5, depthSize: 'medium' },
        fc.constantFrom<unknown>(null, true, 1, -1, 1.5, '', 'YQ==', 'NONE', '1', '"', 1e300),
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(fc.constantFrom(...names), tie('tree'), { maxKeys: 5, noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(
        fc.constantFrom<DescMessage>(RangeRequestSchema, TxnRequestSchema, PutRequestSchema),
        tree,
        (desc, value) => {
          try {
            const message = read(desc, JSON.stringify(value));
            expect(fromBinary(desc, toBinary(desc, message))).toBeDefined();
          } catch (error) {
            expect(error).toBeInstanceOf(JsonError);
          }
        },
      ),
      { numRuns: runs * 4 },
    );
  });

  test('C5: what could be a page of HTML is escaped', () => {
    const error = read(TxnRequestSchema, '{}');
    expect(error).toBeDefined();
    const member = files.flatMap((file) => file.messages).find(({ typeName }) => typeName === 'etcdserverpb.Member')!;
    const bytes = toBinary(member, create(member, { name: '<a href="\\b\b">&\u2028\\<' }));
    expect(writeMessage(member, bytes)).toBe(
      '{"name":"\\u003ca href=\\"\\\\b\\u0008\\"\\u003e\\u0026\\u2028\\\\\\u003c"}',
    );
  });
});
