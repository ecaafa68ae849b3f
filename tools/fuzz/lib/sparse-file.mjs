// @ts-check
/** A file in pieces: what lies between them is a hole, so that a giant takes no room. */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';

/**
 * @typedef {object} MadeFile
 * @property {readonly (readonly [at: number, bytes: Uint8Array])[]} pieces
 * @property {number} size
 */

/** @param {string} path @param {MadeFile} file */
export function writeFile(path, { pieces, size }) {
  const descriptor = openSync(path, 'w', 0o600);
  try {
    for (const [at, bytes] of pieces) writeSync(descriptor, bytes, 0, bytes.length, at);
    ftruncateSync(descriptor, size);
  } finally {
    closeSync(descriptor);
  }
}

/** @param {Uint8Array} bytes @returns {MadeFile} */
export function whole(bytes) {
  return { pieces: [[0, bytes]], size: bytes.length };
}
