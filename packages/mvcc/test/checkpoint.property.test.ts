/**
 * Whatever happened, and whatever became of the checkpoint: the store that uses it answers as the one that reads every record (G31).
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Store } from '../src/store.ts';
import { AsideMedium, closeBoth, everything } from './checkpoint-support.ts';
import { bytes, text } from './support.ts';

type Step =
  | {
      readonly kind: 'txn';
      readonly changes: readonly {
        readonly key: string;
        readonly value?: string | undefined;
        readonly lease: bigint;
      }[];
    }
  | { readonly kind: 'compact'; readonly back: number; readonly waits: boolean }
  | { readonly kind: 'commit' };

type Damage = 'none' | 'flip' | 'cut' | 'longer' | 'gone' | 'older' | 'other store';

interface Life {
  readonly steps: readonly Step[];
  readonly every: number;
  readonly damage: Damage;
  readonly at: number;
}

const key = fc.constantFrom('a', 'ab', 'abc', 'b', 'b/1', 'b/2', 'ba', '\u00ff');
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('txn' as const),
      changes: fc.array(
        fc.record({
          key,
          value: fc.option(fc.constantFrom('', 'v', 'w'), { nil: undefined, freq: 3 }),
          lease: fc.constantFrom(0n, 0n, 7n, -1n),
        }),
        { minLength: 1, maxLength: 4 },
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('compact' as const), back: fc.nat(5), waits: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'commit' as const }) },
);
const life: fc.Arbitrary<Life> = fc.record({
  steps: fc.array(step, { minLength: 2, maxLength: 15 }),
  every: fc.constantFrom(1, 3, 8),
  damage: fc.constantFrom<Damage>('none', 'none', 'none', 'flip', 'cut', 'longer', 'gone', 'older', 'other store'),
  at: fc.nat(),
});

/** Keeps the keys of leases, as the lessor does. */
class Leases {
  readonly keys: Map<string, bigint> = new Map();

  observe = (store: Store) => {
    for (const { key: leased, lease } of store.leaseAttachments) this.keys.set(text(leased), lease);
    return {
      finished: ({
        changes,
      }: {
        readonly changes: readonly { readonly kv: { readonly key: Uint8Array; readonly lease: bigint } }[];
      }) => {
        for (const { kv } of changes) {
          if (kv.lease === 0n) this.keys.delete(text(kv.key));
          else this.keys.set(text(kv.key), kv.lease);
        }
      },
      leaseAttachments: () => [...this.keys].map(([name, lease]) => ({ key: bytes(name), lease })),
    };
  };
}

async function act(store: Store, { steps }: Life, hasLeases: boolean): Promise<void> {
  for (const one of steps) {
    if (one.kind === 'commit') await store.commit();
    else if (one.kind === 'txn') {
      store.write((txn) => {
        for (const { key: name, value, lease } of one.changes) {
          if (value === undefined) txn.deleteRange(bytes(name));
          else txn.put(bytes(name), bytes(value), hasLeases ? lease : 0n);
        }
      });
    } else {
      await store.settled();
      const at = store.rev() - one.back;
      if (at <= store.firstRev() || at < 1) continue;
      const compaction = await store.compact(at);
      if (one.waits) await compaction.finished();
      else compaction.finished().catch(() => undefined);
    }
  }
  await store.settled();
}

/** @returns whether the file is one that must not be used */
function harm(
  medium: AsideMedium,
  { damage, at }: Life,
  older: Uint8Array | undefined,
  other: Uint8Array | undefined,
): boolean {
  const file = medium.saved;
  if (file === undefined) return true;
  if (damage === 'flip') file[at % file.length]! ^= 1 << (at % 8);
  else if (damage === 'cut') medium.files.set('index', file.slice(0, at % file.length));
  else if (damage === 'longer') medium.files.set('index', Uint8Array.of(...file, ...file.subarray(0, at % 40), 0));
  else if (damage === 'gone') medium.files.delete('index');
  else if (damage === 'older' && older !== undefined) medium.files.set('index', older.slice());
  else if (damage === 'other store' && other !== undefined) medium.files.set('index', other.slice());
  return !['none', 'older'].includes(damage) && !(damage === 'other store' && other === undefined);
}

let used = 0;

test('G30, G31: with a checkpoint, harmed or not, a store opens to what all its records say', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 5 }), fc.boolean(), async (lives, keepsLeases) => {
      const medium = new AsideMedium();
      const stranger = new AsideMedium('stranger');
      let older: Uint8Array | undefined;
      for (const one of lives) {
        const leases = new Leases();
        const observers = keepsLeases ? [leases.observe] : [];
        const opened = await medium.open({ checkpointEvery: one.every, observers });
        older = medium.saved?.slice() ?? older;
        await act(opened.store, one, keepsLeases);
        await closeBoth(opened);
        // The very same history in a store that is another one.
        const strange = await stranger.open({
          checkpointEvery: one.every,
          observers: keepsLeases ? [new Leases().observe] : [],
        });
        await act(strange.store, one, keepsLeases);
        await closeBoth(strange);
        const mustNot = harm(medium, one, older, stranger.saved);

        const quick = await medium.open({ checkpointEvery: 0 });
        if (mustNot) expect(quick.store.opened.checkpoint).toBeUndefined();
        else if (quick.store.opened.checkpoint !== undefined) used++;
        // What an unfinished compaction still removes is not asked for.
        await quick.store.compactionBarrier();
        const told = await everything(quick.store);
        const { hash } = await quick.store.hashByRev(0);
        await closeBoth(quick);
        const whole = await medium.open({ checkpointEvery: 0, verify: true });
        expect(whole.store.opened.checkpoint).toBeUndefined();
        expect(told).toBe(await everything(whole.store));
        expect(hash).toBe((await whole.store.hashByRev(0)).hash);
        await closeBoth(whole);
      }
    }),
    { numRuns: process.env['VARVE_LARGE'] === '1' ? 2000 : 60 },
  );
  expect(used).toBeGreaterThan(20);
}, 3_600_000);
