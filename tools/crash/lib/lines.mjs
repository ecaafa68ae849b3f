// @ts-check
/**
 * The protocol's lines: each is on its way when `say` returns, whatever happens to this process afterwards.
 *
 * `console.log` keeps lines in memory while a pipe is full: a killed process would not have said what it knew.
 */
import { writeSync } from 'node:fs';

/** The pipe has no reader: what cannot be said cannot be judged, so there is nothing left to do. */
export class Unheard extends Error {
  code = 'EPIPE';
}

const pause = new Int32Array(new SharedArrayBuffer(4));

/** @param {string} line */
export function say(line) {
  const bytes = Buffer.from(`${line}\n`);
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'EPIPE') throw new Unheard('nobody reads standard output any more', { cause: error });
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

/** `error CODE text`, on one line. @param {unknown} error */
export function sayError(error) {
  if (error instanceof Unheard) return;
  const text = error instanceof Error ? error.message : String(error);
  say(`error ${codeOf(error)} ${text.replaceAll(/\s+/g, ' ')}`);
}

/**
 * @param {unknown} error
 * @returns {string}
 */
export function codeOf(error) {
  const code = /** @type {{ code?: unknown }} */ (error)?.code;
  return typeof code === 'string' && code !== '' ? code : 'UNTYPED';
}
