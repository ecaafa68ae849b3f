/**
 * Laws 3 and 7 and the bounds of the lessor's contract, for random histories under a clock that the test moves: grants, puts,
 * renewals, revocations, sections that throw, restarts, compactions, crashes at a chosen commit, demotions, wall clocks that jump; against
 * a model that is two maps. The seed of a failure is printed by fast-check.
 */
import type { FinishedTransaction } from '@varve/mvcc';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Attachments } from '../src/attachments.ts';
import { LeaseTable } from '../src/lease-table.ts';
import type { LessorOptions } from '../src/lessor.ts';
import {
  bytes,
  close,
  crash,
  keysOf,
  makeMedium,
  open,
  rows,
  text,
  turns,
  type EngineName,
  type Opened,
} from './support.ts';

const LARGE = process.env['VARVE_LARGE'] === '1';
/** What runs out is gone so long after its time at the latest. */
const LATEST_MS = 1000;

type Op =
  | { readonly type: 'grant'; readonly id: bigint; readonly ttl: number }
  | { readonly type: 'write'; readonly puts: readonly (readonly [key: string, id: bigint])[]; readonly throws: boolean }
  | { readonly type: 'delete'; readonly key: string }
  | { readonly type: 'renew' | 'revoke'; readonly id: bigint }
  | { readonly type: 'advance'; readonly ms: number }
  | { readonly type: 'restart'; readonly meanwhileMs: number; readonly jumpMs: number }
  | { readonly type: 'crash'; readonly commits: number; readonly meanwhileMs: number; readonly puts: readonly string[] }
  | { readonly type: 'jump'; readonly ms: number }
  | { readonly type: 'compact' | 'reign' };

const ids = fc.constantFrom(1n, 2n, 3n, -1n, -(2n ** 63n), 2n ** 63n - 1n);
const keys = fc.constantFrom('a', 'b', 'c', 'a longer key than a chunk', 'é');
const times = fc.oneof(fc.nat(3000), fc.nat(30_000));
const ops: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('grant' as const), id: ids, ttl: fc.integer({ min: -1, max: 20 }) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('write' as const),
      puts: fc.array(fc.tuple(keys, fc.oneof(ids, fc.constant(0n))), { minLength: 1, maxLength: 4 }),
      throws: fc.constantFrom(false, false, false, true),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('delete' as const), key: keys }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constantFrom('renew' as const, 'revoke' as const), id: ids }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('advance' as const), ms: times }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('restart' as const),
      meanwhileMs: times,
      jumpMs: fc.integer({ min: -5000, max: 5000 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('crash' as const),
      commits: fc.nat(3),
      meanwhileMs: times,
      puts: fc.array(keys, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('jump' as const), ms: fc.integer({ min: -1e9, max: 1e9 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('compact' as const, 'reign' as const) }) },
);

interface ModelLease {
  readonly ttl: number;
  /** By the monotonic clock, in milliseconds. */
  deadline: number;
}

/** What there should be. */
class Model {
  leases = new Map<bigint, ModelLease>();
  /** Every live key, with its lease or 0n. */
  keys = new Map<string, bigint>();

  copy(): Model {
    const copy = new Model();
    copy.leases = new Map([...this.leases].map(([id, lease]) => [id, { ...lease }]));
    copy.keys = new Map(this.keys);
    return copy;
  }

  drop(id: bigint): void {
    this.leases.delete(id);
    for (const [key, lease] of this.keys) if (lease === id) this.keys.delete(key);
  }

  keysOf(id: bigint): string[] {
    return [...this.keys]
      .filter(([, lease]) => lease === id)
      .map(([key]) => key)
      .toSorted();
  }
}

class Run {
  readonly #options: LessorOptions;
  readonly #told: FinishedTransaction[] = [];
  #opened!: Opened;
  #model = new Model();
  #primary = true;

  constructor(options: LessorOptions) {
    this.#options = options;
  }

  async start(engine: EngineName): Promise<void> {
    this.#opened = await open(this.#options, { medium: await makeMedium(engine), observers: this.#observers });
  }

  async step(op: Op): Promise<void> {
    await this.#do(op);
    await this.#opened.store.settled();
    await this.#check();
  }

  async end(): Promise<void> {
    await close(this.#opened);
  }

  get #observers(): readonly (() => { finished: (one: FinishedTransaction) => void })[] {
    return [() => ({ finished: (one) => void this.#told.push(one) })];
  }

  async #do(op: Op): Promise<void> {
    const { lessor, store, clock } = this.#opened;
    const model = this.#model;
    switch (op.type) {
      case 'grant': {
        const granted = this.#tried(() => lessor.grant(op.ttl, op.id));
        expect(granted !== undefined).toBe(!model.leases.has(op.id));
        const ttl = Math.max(1, op.ttl);
        if (granted !== undefined)
          model.leases.set(op.id, { ttl, deadline: this.#primary ? clock.ms + 1000 * ttl : Infinity });
        return;
      }
      case 'write': {
        const known = op.puts.every(([, id]) => id === 0n || model.leases.has(id));
        const wrote = this.#tried(() =>
          lessor.write((txn, leases) => {
            for (const [, id] of op.puts) leases.check(id);
            for (const [key, id] of op.puts) txn.put(bytes(key), bytes('v'), id);
            if (op.throws) throw new RangeError('no');
          }),
        );
        expect(wrote !== undefined).toBe(known && !op.throws);
        if (wrote !== undefined) for (const [key, id] of op.puts) model.keys.set(key, id);
        return;
      }
      case 'delete':
        store.deleteRange(bytes(op.key));
        model.keys.delete(op.key);
        return;
      case 'renew': {
        const lease = model.leases.get(op.id);
        const ttl = await lessor.renew(op.id).catch((error: { code: string }) => error.code);
        if (!this.#primary) expect(ttl).toBe('LEASE_NOT_PRIMARY');
        else expect(ttl).toBe(lease?.ttl ?? 'LEASE_NOT_FOUND');
        if (lease !== undefined && this.#primary) lease.deadline = clock.ms + 1000 * lease.ttl;
        return;
      }
      case 'revoke': {
        // Another lease of the same id is another one.
        this.#leftBefore.delete(op.id);
        const count = this.#tried(() => lessor.revoke(op.id));
        expect(count).toBe(model.leases.has(op.id) ? model.keysOf(op.id).length : undefined);
        model.drop(op.id);
        return;
      }
      case 'advance':
        await clock.advance(op.ms);
        return this.#age();
      case 'compact':
        if (store.rev() > store.firstRev()) await (await store.compact(store.rev())).finished();
        return;
      case 'jump':
        clock.wallOffsetMs += op.ms;
        return;
      case 'reign':
        return await this.#reign();
      case 'restart':
        return await this.#restart(op.meanwhileMs, op.jumpMs);
      case 'crash':
        return await this.#crash(op.commits, op.meanwhileMs, op.puts);
    }
  }

  /** What has run out must be gone; what has time left is looked for in `#check`. */
  #age(): void {
    const now = this.#opened.clock.ms;
    for (const [id, { deadline }] of this.#model.leases) {
      const there = this.#opened.lessor.lookup(id) !== undefined;
      if (deadline + LATEST_MS <= now) expect([id, there]).toEqual([id, false]);
      if (deadline > now) expect([id, there]).toEqual([id, true]);
      if (!there) this.#model.drop(id);
    }
  }

  async #reign(): Promise<void> {
    const { lessor } = this.#opened;
    if (this.#primary) {
      lessor.demote();
      this.#leftBefore = new Map(
        [...this.#model.leases].map(([id, { deadline }]) => [id, deadline - this.#opened.clock.ms]),
      );
      for (const lease of this.#model.leases.values()) lease.deadline = Infinity;
    } else {
      await lessor.promote();
      this.#takeTimes(this.#leftBefore);
    }
    this.#primary = !this.#primary;
  }

  #leftBefore = new Map<bigint, number>();

  async #restart(meanwhileMs: number, jumpMs: number): Promise<void> {
    const { clock, medium } = this.#opened;
    const counted = this.#primary;
    const left = this.#left();
    await close(this.#opened);
    clock.ms += meanwhileMs;
    clock.wallOffsetMs += jumpMs;
    this.#opened = await open(this.#options, { clock, medium, observers: this.#observers });
    if (!counted) this.#takeTimes(left);
    for (const [id, lease] of counted ? this.#model.leases : []) {
      const after = left.get(id)! - Math.max(0, meanwhileMs + jumpMs);
      lease.deadline = clock.ms + after;
      if (after <= 0) this.#model.drop(id);
    }
    this.#primary = true;
  }

  /** Some puts that nobody waits for, and the end of the process at a commit among them. */
  async #crash(commits: number, meanwhileMs: number, puts: readonly string[]): Promise<void> {
    const { lessor, store, medium } = this.#opened;
    const left = this.#left();
    const possible = [this.#model.copy()];
    medium.endAfter(commits);
    for (const key of puts) {
      const next = possible.at(-1)!.copy();
      try {
        const { id, ttl } = lessor.write((txn, leases) => {
          const lease = leases.grant(7);
          txn.put(bytes(key), bytes('v'), lease.id);
          return lease;
        }).value;
        next.leases.set(id, { ttl, deadline: 0 });
        next.keys.set(key, id);
        possible.push(next);
      } catch (error) {
        expect(error).toMatchObject({ code: 'BACKEND_FAILED' });
      }
      await turns(3);
    }
    await store.settled().catch(() => undefined);
    this.#opened = await crash(this.#opened, this.#options, meanwhileMs);
    await close(this.#opened);
    const { clock } = this.#opened;
    this.#opened = await open(this.#options, { clock, medium, observers: this.#observers });
    const there = JSON.stringify(await this.#actual());
    const found = possible.find((model) => JSON.stringify(shown(model)) === there);
    expect(found === undefined ? [there, possible.map((model) => JSON.stringify(shown(model)))] : undefined).toBe(
      undefined,
    );
    this.#model = found!;
    this.#takeTimes(left);
    this.#primary = true;
  }

  #left(): Map<bigint, number> {
    const now = this.#opened.clock.ms;
    return new Map(
      [...this.#model.leases].map(([id, { deadline }]) => [
        id,
        this.#primary ? deadline - now : (this.#leftBefore.get(id) ?? 0),
      ]),
    );
  }

  /** After a crash or a promotion a lease has no less than it had, and no more than its TTL: exactly how much is not promised. */
  #takeTimes(left: ReadonlyMap<bigint, number>): void {
    for (const [id, lease] of this.#model.leases) {
      const remaining = this.#opened.lessor.lookup(id)!.remaining;
      expect(remaining).toBeLessThanOrEqual(lease.ttl);
      expect(1000 * remaining + 1e-6).toBeGreaterThanOrEqual(left.get(id) ?? 0);
      lease.deadline = this.#opened.clock.ms + 1000 * remaining;
    }
  }

  async #check(): Promise<void> {
    const { lessor, store } = this.#opened;
    lessor.checkInvariants();
    expect(await this.#actual()).toEqual(shown(this.#model));
    for (const key of ['a', 'b', 'c', 'é', 'none']) {
      const id = this.#model.keys.get(key) ?? 0n;
      expect([key, lessor.leaseOf(bytes(key))]).toEqual([key, id]);
    }
    const wanted = [...this.#model.leases.keys()].map((id) => BigInt.asUintN(64, id).toString(16).padStart(16, '0'));
    expect((await rows(store)).map(([key]) => key)).toEqual(wanted.toSorted());
    for (const { changes } of this.#told.splice(0)) {
      const deleted = changes.filter(({ type }) => type === 'delete').map(({ kv }) => text(kv.key));
      if (deleted.length > 1) expect(deleted).toEqual(deleted.toSorted());
    }
  }

  async #actual(): Promise<unknown> {
    const { lessor, store } = this.#opened;
    const { kvs } = await store.range(new Uint8Array(0), new Uint8Array(0));
    return {
      leases: lessor
        .list()
        .map(({ id, ttl }) => `${id} ${ttl} ${keysOf(lessor, id).join()}`)
        .toSorted(),
      keys: kvs.map(({ key }) => text(key)),
    };
  }

  #tried<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      expect(error).toBeInstanceOf(Error);
      return undefined;
    }
  }
}

function shown(model: Model): unknown {
  return {
    leases: [...model.leases].map(([id, { ttl }]) => `${id} ${ttl} ${model.keysOf(id).join()}`).toSorted(),
    keys: [...model.keys.keys()].toSorted(),
  };
}

test.each([
  ['memory', LARGE ? 1000 : 60],
  ['file', LARGE ? 60 : 5],
] as const)(
  'laws 3 and 7: on %s leases and their keys are what the model says, never gone too early and never there too late',
  async (engine, numRuns) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(ops, { maxLength: 40, size: 'max' }),
        fc.constantFrom(0, 2000, 300_000),
        async (history, checkpointIntervalMs) => {
          let seed = 100n;
          const run = new Run({ checkpointIntervalMs, random: () => seed++ });
          await run.start(engine);
          for (const op of history) await run.step(op);
          await run.end();
        },
      ),
      { numRuns },
    );
  },
  LARGE ? 1_800_000 : 180_000,
);

test('keys by lease, packed: the same as two maps', () => {
  const move = fc.record({ key: fc.stringMatching(/^[ab]{1,30}$/), lease: fc.nat(4), clear: fc.nat(20) });
  fc.assert(
    fc.property(fc.array(move, { maxLength: 300, size: 'max' }), (moves) => {
      const leases = new LeaseTable();
      const attachments = new Attachments(leases);
      const places = [0, 1, 2, 3, 4].map((id) => (id === 0 ? 0 : leases.add(BigInt(id), 10, 0)));
      const model = new Map<string, number>();
      for (const { key, lease, clear } of moves) {
        attachments.move(bytes(key), places[lease]!);
        model.delete(key);
        if (lease > 0) model.set(key, lease);
        if (clear !== 0) continue;
        attachments.clear(places[1]!);
        for (const [one, other] of model) if (other === 1) model.delete(one);
      }
      attachments.checkInvariants();
      expect(attachments.size).toBe(model.size);
      for (const lease of [1, 2, 3, 4]) {
        const wanted = [...model].filter(([, other]) => other === lease).map(([key]) => key);
        expect(attachments.keys(places[lease]!).map(text).toSorted()).toEqual(wanted.toSorted());
      }
    }),
    { numRuns: LARGE ? 1000 : 100 },
  );
});
