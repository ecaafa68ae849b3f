/**
 * Every version that each page of a file ever had, and images in which one of them is put back.
 *
 * A version is recorded after each commit, from the bytes of the whole file.
 */
import type { Bolt, OpenOptions, WriteTransaction } from '../src/index.ts';
import { BoltError } from '../src/index.ts';
import { openBoltOn } from './open-on.ts';
import { digestOf } from './digest.ts';
import { SimulatedDisk } from './simulated-disk.ts';

const PATH = '/disk/v.db';

/** The file after one commit. */
export interface State {
  readonly bytes: Buffer;
  readonly digest: string;
}

/** A file whose states are all kept. */
export class PageVersions {
  readonly states: State[] = [];
  readonly pageSize: number;

  private constructor(pageSize: number) {
    this.pageSize = pageSize;
  }

  /** Runs the bodies, each as a commit of its own. */
  static async of(bodies: readonly ((tx: WriteTransaction) => void)[], options: OpenOptions): Promise<PageVersions> {
    const versions = new PageVersions(options.pageSize ?? 4096);
    const disk = new SimulatedDisk();
    await using bolt = await openBoltOn(disk, PATH, options);
    versions.#keep(disk, bolt);
    for (const body of bodies) {
      await bolt.write(body);
      versions.#keep(disk, bolt);
    }
    return versions;
  }

  #keep(disk: SimulatedDisk, bolt: Bolt): void {
    this.states.push({ bytes: disk.files().get(PATH) as Buffer, digest: digestOf(bolt) });
  }

  get last(): State {
    return this.states.at(-1) as State;
  }

  /** Pages of the newest file that were something else in `state`, both meta pages left out. */
  changed(state: State): number[] {
    const pages: number[] = [];
    for (let page = 2; (page + 1) * this.pageSize <= state.bytes.length; page++) {
      if (!this.page(state, page).equals(this.page(this.last, page))) pages.push(page);
    }
    return pages;
  }

  page({ bytes }: State, page: number, pages = 1): Buffer {
    return bytes.subarray(page * this.pageSize, (page + pages) * this.pageSize);
  }

  /** The newest file with some pages as they were in `state`. */
  withOlder(state: State, page: number, pages = 1): Buffer {
    const image = Buffer.from(this.last.bytes);
    this.page(state, page, pages).copy(image, page * this.pageSize);
    return image;
  }
}

/** Opens an image, as whoever only reads would, or for writing. */
export function openImage(bytes: Buffer, options: OpenOptions = {}): Promise<Bolt> {
  return openBoltOn(SimulatedDisk.holding(new Map([[PATH, Buffer.from(bytes)]])), PATH, options);
}

/** The contents of an image, or the error that it ends with. */
export async function contentsOf(bytes: Buffer, options: OpenOptions = {}): Promise<string | BoltError> {
  try {
    await using bolt = await openImage(bytes, options);
    return digestOf(bolt);
  } catch (error) {
    if (error instanceof BoltError) return error;
    throw error;
  }
}
