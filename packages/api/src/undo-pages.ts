/**
 * An undo over any `Kv`: the difference of two revisions, written back in guarded transactions.
 *
 * UNP1  Works on the whole store as bytes, so that codecs are not asked: what cannot be decoded is written back as it was, too.
 * UNP2  A transaction writes a key only if its last change is the one that the difference saw. A key that lost is left out, and the rest tried
 *       again: each attempt has fewer keys, so it ends. A missing key has no last change: one that was missing, then put and deleted again, looks
 *       as it was seen, and is written.
 * UNP3  Up to `maxOps` keys and `PAGE_BYTES` a transaction, as `sizeOf` counts: a cluster refuses requests of more than 1.5 MiB, and a request has each
 *       key up to three times. What fits into one is one.
 * UNP4  A key that had a lease gets it again where the lease still lives. Where it does not, its end has taken the key away already, or would
 *       have: the key is left as it is now. Asked is for the leases of a page alone, once a write has found that one of them is over: the leases of
 *       others may be many, and nobody has to be allowed to see them.
 */
import { keyAfter, type Bounds, compareBytes } from './bounds.ts';
import type { Difference } from './changes.ts';
import { codeOf } from './errors.ts';
import type { Entry, Kv, Range } from './kv.ts';
import type { Compare, DeleteOp, GetOp, PutOp } from './operations.ts';
import type { UndoOptions, UndoPage, UndoResult } from './undo.ts';

/** Keys and values of one transaction; one key may be more. */
const PAGE_BYTES = 1024 * 1024;
/** What an operation, its condition and its answer take besides. */
const STEP_BYTES = 64;

/** The whole store as bytes. */
export type PlainKv = Kv<Uint8Array, Uint8Array>;

export interface UndoTask {
  readonly bounds: Bounds;
  readonly revision: number;
  /** Keys a transaction, at the most. */
  readonly maxOps: number;
  readonly options: UndoOptions;
}

/** What is to be done with one key. */
interface Step {
  readonly key: Uint8Array;
  /** What the key had; `undefined` where it was not there. */
  readonly was: Entry<Uint8Array, Uint8Array> | undefined;
  /** The key's last change, 0 where it is not there. */
  readonly seen: number;
  /** Bytes of the value that it has now, which the answer brings where the transaction is not done. */
  readonly present: number;
}

/** @param until the present revision */
export function undoPages(kv: PlainKv, task: UndoTask, until: number): Promise<UndoResult> {
  return new Undo(kv, task, until).run();
}

class Undo {
  readonly #kv: PlainKv;
  readonly #task: UndoTask;
  readonly #until: number;
  readonly #revisions: number[] = [];
  #put = 0;
  #deleted = 0;
  #overtaken = 0;
  #leaseless = 0;

  constructor(kv: PlainKv, task: UndoTask, until: number) {
    this.#kv = kv;
    this.#task = task;
    this.#until = until;
  }

  async run(): Promise<UndoResult> {
    const { bounds, revision, maxOps, options } = this.#task;
    let page: Step[] = [];
    let bytes = 0;
    const differences = this.#kv.diff(revision, this.#until, rangeOf(bounds), { signal: options.signal });
    for await (const difference of differences) {
      const step = stepOf(difference);
      if (step === undefined) continue;
      const size = sizeOf(step);
      if (page.length === maxOps || (page.length > 0 && bytes + size > PAGE_BYTES)) {
        await this.#write(page);
        page = [];
        bytes = 0;
      }
      page.push(step);
      bytes += size;
    }
    await this.#write(page);
    return {
      revisions: this.#revisions,
      until: this.#until,
      put: this.#put,
      deleted: this.#deleted,
      overtaken: this.#overtaken,
      leaseless: this.#leaseless,
    };
  }

  /** One transaction, and again without the keys that lost (UNP2). */
  async #write(page: readonly Step[]): Promise<void> {
    const { options } = this.#task;
    let steps = page;
    while (steps.length > 0) {
      options.signal?.throwIfAborted();
      let left: readonly Step[];
      try {
        left = await this.#attempt(steps);
      } catch (error) {
        if (codeOf(error) !== 'LEASE_NOT_FOUND') throw error;
        left = await this.#withLivingLeases(steps);
        // Not one of these: what the store says of leases does not fit together.
        if (left.length === steps.length) throw error;
      }
      steps = left;
    }
  }

  /** The steps to try again: none where it was done. */
  async #attempt(steps: readonly Step[]): Promise<readonly Step[]> {
    const { options } = this.#task;
    const answer = await this.#kv.txn(
      {
        if: steps.map(unchanged),
        then: steps.map(written),
        // Of one it is known which has lost.
        else: steps.length === 1 ? [] : steps.map(({ key }): GetOp<Uint8Array> => ({ type: 'get', key })),
      },
      { signal: options.signal },
    );
    if (!answer.succeeded) {
      const { results } = answer;
      const left = steps.length === 1 ? [] : steps.filter(({ seen }, at) => (results[at]?.modRevision ?? 0) === seen);
      this.#overtaken += steps.length - left.length;
      return left;
    }
    const put = steps.filter(({ was }) => was !== undefined).length;
    const page: UndoPage = { revision: answer.revision, put, deleted: steps.length - put };
    this.#revisions.push(page.revision);
    this.#put += page.put;
    this.#deleted += page.deleted;
    options.onPage?.(page);
    return [];
  }

  /** Without the keys whose lease is over (UNP4). */
  async #withLivingLeases(steps: readonly Step[]): Promise<readonly Step[]> {
    const over = new Set<string>();
    const ids = new Set(steps.flatMap(({ was }) => was?.lease ?? []));
    for (const id of ids) if (!(await this.#lives(id))) over.add(id);
    const left = steps.filter(({ was }) => was?.lease === undefined || !over.has(was.lease));
    this.#leaseless += steps.length - left.length;
    return left;
  }

  /** A lease that is taken up without more is not renewed by that, and nothing of it has to be ended. */
  async #lives(id: string): Promise<boolean> {
    try {
      await this.#kv.lease({ id, signal: this.#task.options.signal });
      return true;
    } catch (error) {
      if (codeOf(error) !== 'LEASE_NOT_FOUND') throw error;
      return false;
    }
  }
}

/** What a step adds to a request, or to its answer: the key in the condition and in both branches, what is put, and what may come back. */
function sizeOf({ key, was, present }: Step): number {
  return 3 * key.length + (was?.value.length ?? 0) + present + STEP_BYTES;
}

function unchanged({ key, seen }: Step): Compare<Uint8Array, Uint8Array> {
  return { key, modRevision: { equals: seen } };
}

function written({ key, was }: Step): PutOp<Uint8Array, Uint8Array> | DeleteOp<Uint8Array> {
  if (was === undefined) return { type: 'delete', key };
  return { type: 'put', key, value: was.value, ...(was.lease === undefined ? undefined : { lease: was.lease }) };
}

/** `undefined` where the key has what it had. */
function stepOf(difference: Difference<Uint8Array, Uint8Array>): Step | undefined {
  const { key, previous, entry } = difference;
  const same =
    previous !== undefined &&
    entry !== undefined &&
    previous.lease === entry.lease &&
    compareBytes(previous.value, entry.value) === 0;
  return same ? undefined : { key, was: previous, seen: entry?.modRevision ?? 0, present: entry?.value.length ?? 0 };
}

function rangeOf({ key, end }: Bounds): Range<Uint8Array> {
  if (end === undefined) return { start: key, end: keyAfter(key) };
  return end.length === 0 ? { start: key } : { start: key, end };
}
