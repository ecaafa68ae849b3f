/**
 * Messages of streams as they go out, printed once for all who get the same.
 *
 * SVGK1  Watchers of one key get the same bytes one after another: the newest chunk is kept, and compared with before it is printed
 *     again. One is kept, and no large one (law 9).
 */
import type { DescMessage } from '@bufbuild/protobuf';
import { writeMessage } from './json/write-message.ts';

const MOST_KEPT_BYTES = 65_536;
const NOTHING: Buffer = Buffer.alloc(0);

export class Chunks {
  #desc: DescMessage | undefined;
  #bytes: Buffer = NOTHING;
  #chunk: Buffer = NOTHING;

  /** `{"result":...}` and a newline. */
  of(desc: DescMessage, bytes: Buffer): Buffer {
    if (desc === this.#desc && bytes.equals(this.#bytes)) return this.#chunk;
    const chunk = Buffer.from(`{"result":${writeMessage(desc, bytes)}}\n`);
    if (bytes.length <= MOST_KEPT_BYTES) {
      this.#desc = desc;
      // The encoder's bytes may be a part of something large.
      this.#bytes = Buffer.from(bytes);
      this.#chunk = chunk;
    }
    return chunk;
  }
}
