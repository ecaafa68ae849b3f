/** A copy of one committed state of the file, with the errors of this package. */
import type { BoltImage } from '@varve/bolt';
import type { Snapshot } from '../../contract/engine.ts';
import { fileFailure } from './failure.ts';

export class FileSnapshot implements Snapshot {
  readonly size: number;
  readonly #image: BoltImage;
  readonly #path: string;

  constructor(image: BoltImage, path: string) {
    this.size = image.size;
    this.#image = image;
    this.#path = path;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* this.#image;
    } catch (error) {
      throw fileFailure(error, this.#path);
    }
  }

  close(): Promise<void> {
    return this.#image.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
