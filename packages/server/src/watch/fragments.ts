/**
 * Large answers of a watch in pieces, for those who asked for it.
 *
 * SVFR1  A piece takes events as long as its size stays below the limit, and one at least: an event is never split (W84).
 */
import type { Event } from '@varve/watch';
import { encodeEvents } from '../wire/watch-answers.ts';

export interface Fragment {
  readonly bytes: Uint8Array;
  readonly isLast: boolean;
}

/** What says that more follows: in all pieces but the last. */
const FLAG_BYTES = 2;

/**
 * @param limit of a whole answer, in bytes
 * @param front bytes in front of the events of an answer: header and id
 */
export function fragments(events: readonly Event[], limit: number, front: number): readonly Fragment[] {
  const whole = encodeEvents(events);
  if (events.length < 2 || front + whole.length < limit) return [{ bytes: whole, isLast: true }];
  const pieces: Uint8Array[] = [];
  let part: Uint8Array[] = [];
  let size = front + FLAG_BYTES;
  for (const event of events) {
    const bytes = encodeEvents([event]);
    if (part.length > 0 && size + bytes.length >= limit) {
      pieces.push(Buffer.concat(part));
      part = [];
      size = front + FLAG_BYTES;
    }
    part.push(bytes);
    size += bytes.length;
  }
  pieces.push(Buffer.concat(part));
  return pieces.map((bytes, at) => ({ bytes, isLast: at === pieces.length - 1 }));
}
