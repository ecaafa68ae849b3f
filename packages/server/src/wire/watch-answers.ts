/**
 * Answers of a watch stream. Events are encoded once for all watchers that get the same ones, on whatever stream.
 *
 * SVWR1  The store hands watchers of equal needs one frozen array of events, so its encoding is kept with the array, as long as
 *     that lives.
 * SVWR2  A watcher's own part, some thirty bytes, stands in front; the events follow.
 */
import type { Event } from '@varve/watch';
import { writer, type BackwardWriter } from './backward-writer.ts';
import type { Header } from './header.ts';
import { writeKeyValue } from './kv-answers.ts';

const DELETE = 1;
/** Field 11, which has bytes. */
const EVENTS = 11;

export interface WatchControl {
  readonly watchId: bigint;
  readonly revision: number;
  readonly created?: boolean;
  readonly canceled?: boolean;
  readonly compactRevision?: number;
  readonly reason?: string;
}

const encodings = new WeakMap<readonly Event[], Uint8Array>();

function writeEvent(out: BackwardWriter, { type, kv, previous }: Event): void {
  const end = out.length;
  if (previous !== undefined) {
    writeKeyValue(out, previous, false);
    out.close(3, end);
  }
  const middle = out.length;
  writeKeyValue(out, kv, false);
  out.close(2, middle);
  if (type === 'delete') out.uint(1, DELETE);
  out.close(EVENTS, end);
}

/** The events as they stand in an answer, tags included. */
export function encodeEvents(events: readonly Event[]): Uint8Array {
  let bytes = encodings.get(events);
  if (bytes === undefined) {
    const out = writer.begin();
    for (let at = events.length - 1; at >= 0; at--) writeEvent(out, events[at]!);
    bytes = new Uint8Array(out.take());
    encodings.set(events, bytes);
  }
  return bytes;
}

/** An answer with events. @param events of `encodeEvents` */
export function encodeWatchEvents(
  header: Header,
  revision: number,
  watchId: bigint,
  events: Uint8Array,
  isFragment: boolean,
): Buffer {
  const out = writer.begin();
  out.raw(events);
  out.flag(7, isFragment);
  out.int64(2, watchId);
  header.write(out, revision);
  return out.take();
}

/** An answer without events: created, canceled, compacted, progress. */
export function encodeWatchControl(header: Header, control: WatchControl): Buffer {
  const out = writer.begin();
  out.text(6, control.reason ?? '');
  out.uint(5, control.compactRevision ?? 0);
  out.flag(4, control.canceled === true);
  out.flag(3, control.created === true);
  out.int64(2, control.watchId);
  header.write(out, control.revision);
  return out.take();
}
