/**
 * What compaction leaves of a record: found without making an object of it, and copied in one run.
 *
 * RCC1  It is what `KeyIndex.compact` leaves, which says why.
 * RCC2  Of a record only heads and revisions in front go: what is behind the first revision that is left stays as it is.
 *
 * No etcd counterpart.
 */
import type { Found } from './key-index.ts';
import { HEAD, infoOf, OLDER_SHIFT, positionIn, subsOf, usedOf } from './packed-record.ts';

/** Places are in the words of the record's chunk. */
export interface Cut {
  /** Older generations that are left. */
  older: number;
  /** The head of the first generation that is left, and its revisions. */
  head: number;
  revisions: number;
  /** How many of these go. */
  dropped: number;
  /** How many revisions are left: 2 for more. */
  left: number;
  /** Whether the first that is left is at or before the revision of the compaction; then `main` and `sub` are it. */
  hasKept: boolean;
  main: number;
  sub: number;
  isTombstone: boolean;
}

export function newCut(): Cut {
  return {
    older: 0,
    head: 0,
    revisions: 0,
    dropped: 0,
    left: 0,
    hasKept: false,
    main: 0,
    sub: 0,
    isTombstone: false,
  };
}

export function cutRecord(words: Uint32Array, at: number, atMain: number, cut: Cut): void {
  const subs = subsOf(words[at]!);
  const stride = 1 + subs;
  let older = words[at]! >>> OLDER_SHIFT;
  let head = at + 1 + HEAD + subs;
  for (; older > 0; older--) {
    const end = head + HEAD + subs + words[head + 2]! * stride;
    const ended = words[end - stride]!;
    if (ended > atMain) break;
    if (ended === atMain) {
      const next = older > 1 ? words[end + HEAD + subs]! : words[at + 3]! > 0 ? words[end]! : Infinity;
      if (next > atMain) break;
    }
    head = end;
  }
  cut.older = older;
  // The last generation's head is in front, and its revisions are behind all older ones.
  cut.revisions = older > 0 ? head + HEAD + subs : head;
  cut.head = older > 0 ? head : at + 1;
  const count = words[cut.head + 2]!;
  cut.hasKept = count > 0 && words[cut.revisions]! <= atMain;
  cut.dropped = cut.hasKept ? positionIn(words, cut.revisions, count, stride, atMain) : 0;
  cut.isTombstone = older > 0 && cut.dropped === count - 1;
  cut.left = older > 0 ? 2 : count - cut.dropped;
  if (!cut.hasKept) return;
  const kept = cut.revisions + cut.dropped * stride;
  cut.main = words[kept]!;
  cut.sub = subs === 0 ? 0 : words[kept + 1]!;
}

/** The only revision that is left, in `into`. */
export function readOnly(words: Uint32Array, at: number, { head, revisions, dropped }: Cut, into: Found): void {
  const subs = subsOf(words[at]!);
  const only = revisions + dropped * (1 + subs);
  into.main = words[only]!;
  into.sub = subs === 0 ? 0 : words[only + 1]!;
  into.createdMain = words[head]!;
  into.createdSub = subs === 0 ? 0 : words[head + HEAD]!;
  into.version = words[head + 1]!;
}

/** Words of what is left. */
export function wordsLeft(words: Uint32Array, at: number, { older, revisions, dropped }: Cut): number {
  const subs = subsOf(words[at]!);
  const end = at + usedOf(words[at]!);
  return 1 + (older > 0 ? 2 : 1) * (HEAD + subs) + end - (revisions + dropped * (1 + subs));
}

/** RCC2. */
export function copyLeft(words: Uint32Array, at: number, cut: Cut, to: Uint32Array, start: number): void {
  const { older, head, revisions, dropped } = cut;
  const subs = subsOf(words[at]!);
  const end = at + usedOf(words[at]!);
  const headWords = HEAD + subs;
  to[start] = infoOf(wordsLeft(words, at, cut), subs, older);
  for (let i = 0; i < headWords; i++) to[start + 1 + i] = words[at + 1 + i]!;
  let target = start + 1 + headWords;
  if (older > 0) {
    for (let i = 0; i < headWords; i++) to[target + i] = words[head + i]!;
    target += headWords;
  }
  to[target - headWords + 2]! -= dropped;
  for (let from = revisions + dropped * (1 + subs); from < end; from++) to[target++] = words[from]!;
}
