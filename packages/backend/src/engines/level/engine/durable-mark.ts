/**
 * The file `SEQUENCE`: up to which of LevelDB's sequence numbers commits were acknowledged.
 *
 *   sequence 0000000000004711 9a0b1c2d\n          the number, and the CRC-32C of what stands before it
 *
 * LevelDB's log cannot tell its torn end from a commit that was acknowledged and then cut off. With this it can be told.
 *
 * DM1  A number is written only after its commit is durable, so whatever is found here is true: at least so much must
 *     be there. An older number, which is what a power cut may leave, is true as well.
 * DM2  It costs one small write into the page cache, and a sync when the store is closed. A process that dies leaves
 *     the exact number.
 * DM3  It is one line within a sector, overwritten in place. Unreadable it is no proof of anything: a warning.
 * DM4  It is this store's alone: where it is missing, no such line, or has a second name (in a copy made of links), it is
 *     made anew.
 */
import { crc32c } from '@varve/base/crc32c';
import type { Files, SmallFile } from '../files.ts';
import { LITTER, MARK } from '../names.ts';

/** More than the line has, so that a longer file is not taken for one. */
const READ_BYTES = 64;

export class DurableMark {
  readonly #file: SmallFile;
  #writable = true;

  constructor(file: SmallFile) {
    this.#file = file;
  }

  /** For who has the store. @param sequence of the newest commit that was found */
  static async open(files: Files, folder: string, sequence: number): Promise<DurableMark> {
    const path = `${folder}/${MARK}`;
    const found = await files.details(path);
    // A file with two names is some copy's as well, and writing to it would change that.
    if (found === undefined || found.links > 1 || (await files.length(path)) !== line(sequence).length) {
      const fresh = `${folder}/${LITTER}${files.random.unique()}`;
      await files.write(fresh, line(sequence));
      await files.rename(fresh, path);
    }
    return new DurableMark(await files.openSmall(path));
  }

  set(sequence: number): void {
    if (!this.#writable) return;
    try {
      this.#file.write(line(sequence));
    } catch {
      this.#writable = false; // the number there stays true, and the commit is durable without it
    }
  }

  /** Syncs, as far as that is possible, and closes. */
  async close(): Promise<void> {
    await this.#file.close();
  }
}

export async function writeMark(files: Files, folder: string, sequence: number): Promise<void> {
  await files.write(`${folder}/${MARK}`, line(sequence));
}

/** The number, or why there is none. */
export async function readMark(files: Files, folder: string): Promise<number | string> {
  const path = `${folder}/${MARK}`;
  if ((await files.length(path)) === undefined) return `${path} is missing`;
  const text = Buffer.from(await files.readStart(path, READ_BYTES)).toString('latin1');
  const found = /^(sequence (\d{16})) ([0-9a-f]{8})\n$/.exec(text);
  const [, signed = '', digits, crc = ''] = found ?? [];
  if (crc32c(Buffer.from(signed)) !== Number.parseInt(crc, 16)) return `${path} is not readable`;
  return Number(digits);
}

function line(sequence: number): Uint8Array {
  const signed = `sequence ${String(sequence).padStart(16, '0')}`;
  return Buffer.from(`${signed} ${crc32c(Buffer.from(signed)).toString(16).padStart(8, '0')}\n`);
}
