/**
 * From entries to the bytes of a page.
 *
 * PI1  Element array, then key and value of each entry in order, without gaps. What is behind is up to the caller (F73);
 *     `writeStamps` puts there what a seal vouches for.
 * PI2  Entries that lie side by side in their old page are copied as one piece: an edit in the middle of a page costs two
 *     copies, not one per entry.
 *
 * bbolt: node.go (write).
 */
import { setU64 } from './bytes.ts';
import { PAGE_HEADER } from './meta.ts';
import { STRIDE } from '../tree/node.ts';
import type { Node } from '../tree/node.ts';
import { BRANCH_FLAG, ELEMENT, LEAF_FLAG } from './page.ts';
import { STAMP_BYTES } from './seal.ts';

/** Writes the entries `[from, to)` at `start`; the header counts `pages` pages. Returns where the image ends. */
export function writeImage(
  target: Buffer,
  view: DataView,
  start: number,
  id: number,
  pages: number,
  node: Node,
  from: number,
  to: number,
): number {
  const { slots, leaf } = node;
  const { buffers } = node.sources;
  setU64(view, start, id);
  view.setUint16(start + 8, leaf ? LEAF_FLAG : BRANCH_FLAG, true);
  view.setUint16(start + 10, to - from, true);
  view.setUint32(start + 12, pages - 1, true);
  let element = start + PAGE_HEADER;
  let data = element + (to - from) * ELEMENT;
  let pieceSource = -1;
  let pieceStart = 0;
  let pieceEnd = 0;
  let pieceTarget = data;
  for (let slot = from * STRIDE, last = to * STRIDE; slot < last; slot += STRIDE, element += ELEMENT) {
    const source = slots[slot] as number;
    const at = slots[slot + 1] as number;
    const keyLength = slots[slot + 2] as number;
    const amount = slots[slot + 3] as number;
    const bytes = leaf ? keyLength + amount : keyLength;
    if (source !== pieceSource || at !== pieceEnd) {
      if (pieceEnd > pieceStart) (buffers[pieceSource] as Buffer).copy(target, pieceTarget, pieceStart, pieceEnd);
      pieceSource = source;
      pieceStart = at;
      pieceTarget = data;
    }
    pieceEnd = at + bytes;
    if (leaf) {
      view.setUint32(element, slots[slot + 4] === 0 ? 0 : 1, true);
      view.setUint32(element + 4, data - element, true);
      view.setUint32(element + 8, keyLength, true);
      view.setUint32(element + 12, amount, true);
    } else {
      view.setUint32(element, data - element, true);
      view.setUint32(element + 4, keyLength, true);
      setU64(view, element + 8, amount);
    }
    data += bytes;
  }
  if (pieceEnd > pieceStart) (buffers[pieceSource] as Buffer).copy(target, pieceTarget, pieceStart, pieceEnd);
  return data;
}

/** Writes the stamps of the children, or of the buckets, among the entries `[from, to)`, so that they end at `end`. */
export function writeStamps(view: DataView, end: number, { slots }: Node, from: number, to: number): void {
  let at = end;
  for (let slot = to * STRIDE - 1, first = from * STRIDE; slot > first; slot -= STRIDE) {
    const stamp = slots[slot] as number;
    if (stamp === 0) continue;
    at -= STAMP_BYTES;
    view.setInt32(at, stamp, true);
  }
}
