import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { WatchStream } from '../src/watchable-store.ts';
import { Model, type Operation } from './model.ts';
import { bytes, open } from './support.ts';

const key = fc.constantFrom('a', 'b', 'c', 'cc', 'd');
const range = fc.oneof(
  fc.tuple(key, fc.constant(undefined)),
  fc.tuple(key, fc.constantFrom('b', 'c', 'd', 'e', '')).filter(([start, end]) => end === '' || start < end),
);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ put: key, value: fc.constantFrom('x', 'y', 'z') }) },
  { weight: 1, arbitrary: range.map(([start, end]) => ({ delete: start, end })) },
);
const watch = fc.record({
  stream: fc.nat(2),
  range,
  // Relative to the visible revision: the past, the present, the future.
  start: fc.option(fc.integer({ min: -12, max: 3 }), { nil: undefined }),
  filters: fc.subarray(['noput', 'nodelete'] as const),
  previous: fc.boolean(),
});

type Step =
  | { readonly write: readonly Operation[] }
  | { readonly watch: typeof watch extends fc.Arbitrary<infer W> ? W : never }
  | { readonly read: number; readonly count: number }
  | { readonly progress: number }
  | { readonly cancel: number }
  | { readonly compact: number }
  | { readonly step: 'pass' | 'settle' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ write: fc.array(operation, { minLength: 1, maxLength: 3 }) }) },
  { weight: 4, arbitrary: fc.record({ watch }) },
  { weight: 4, arbitrary: fc.record({ read: fc.nat(2), count: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ progress: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ cancel: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ compact: fc.nat(6) }) },
  { weight: 4, arbitrary: fc.record({ step: fc.constantFrom('pass', 'settle') }) },
);

test.each(['commit', 'interval'] as const)(
  'law 4: everybody sees everything once, in order, or is told (%s)',
  async (durability) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.record({
          queueCapacity: fc.integer({ min: 1, max: 4 }),
          watchersPerPass: fc.integer({ min: 1, max: 3 }),
          revisionsPerBatch: fc.integer({ min: 1, max: 3 }),
        }),
        async (steps, limits) => {
          await using f = await open({ durability, ...limits });
          const { store } = f;
          const model = new Model();
          const streams = [0, 1, 2].map(() => store.newWatchStream());
          const read = (stream: WatchStream): boolean => {
            const response = stream.poll();
            if (response !== undefined) model.read(stream, response);
            return response !== undefined;
          };
          for (const each of steps) {
            if ('write' in each) {
              model.apply(each.write);
              store.write((txn) => {
                for (const one of each.write) {
                  if ('put' in one) txn.put(bytes(one.put), bytes(one.value));
                  else txn.deleteRange(bytes(one.delete), one.end === undefined ? undefined : bytes(one.end));
                }
              });
            } else if ('watch' in each) {
              const { stream, start, filters, previous } = each.watch;
              const from = start === undefined ? 0 : Math.max(1, store.rev() + start);
              const [key, end] = each.watch.range;
              model.watch(streams[stream]!, key, end, { from, filters, previous });
            } else if ('read' in each) {
              for (let i = 0; i < each.count; i++) read(streams[each.read]!);
            } else if ('progress' in each) streams[each.progress]!.requestProgressAll();
            else if ('cancel' in each) {
              const watched = model.watched[each.cancel];
              if (watched !== undefined && !watched.cancelled) model.cancel(watched);
            } else if ('compact' in each) {
              const revision = store.rev() - each.compact;
              if (revision > Math.max(1, model.compacted)) {
                model.compacted = revision;
                await f.compact(revision);
              }
            } else if (each.step === 'pass') await f.pass();
            else await store.settled();
            f.check();
          }
          await store.settled();
          for (let busy = true; busy;) {
            busy = (await f.passes()) > 0;
            for (const stream of streams) while (read(stream)) busy = true;
          }
          model.check();
          f.check();
          const { synced, unsynced, victims } = store.watchStats;
          const live = model.watched.filter(({ cancelled, noticed }) => !cancelled && noticed === undefined).length;
          expect({ synced, unsynced, victims }).toEqual({ synced: live, unsynced: 0, victims: 0 });
          expect(store.rev()).toBe(model.revision);
        },
      ),
      { numRuns: 150 },
    );
  },
);
