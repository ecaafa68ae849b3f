// @ts-check
/** Attacks that are the same bytes again and again. */
import { HostileConnection } from './hostile-connection.mjs';

const turn = () => new Promise((resolve) => setImmediate(resolve));
const rest = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Several connections that write the same kind of bytes again and again.
 *
 * @param {import('./attacks.mjs').Target} target
 * @param {number} connections
 * @param {(connection: HostileConnection) => Buffer} next some frames
 * @param {Buffer} [greeting]
 */
export async function repeat(target, connections, next, greeting) {
  let count = 0;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const connection = new HostileConnection(target.port, greeting);
      while (!target.isOver()) {
        await connection.open();
        if (connection.isOpen) {
          await connection.write(next(connection));
          count += 1;
          await turn();
        } else {
          await rest(20);
        }
      }
      connection.close();
    }),
  );
  return count;
}

/** The number of a stream that is not open yet. @param {HostileConnection} connection */
export const nextStream = (connection) => {
  const { stream } = connection;
  connection.stream += 2;
  return stream;
};

export const many = (/** @type {number} */ times, /** @type {() => Buffer} */ one) =>
  Buffer.concat(Array.from({ length: times }, one));
