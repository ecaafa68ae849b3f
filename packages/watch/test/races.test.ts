import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nodeClock } from '@varve/base/node/clock';
import type { Clock } from '@varve/base/clock';
import type { WatchStream } from '../src/watchable-store.ts';
import { Model } from './model.ts';
import { bytes, open, revisions, steppedEngine, upTo, type Fixture, type Step } from './support.ts';

function scheduledClock(step: Step): Clock {
  return {
    ...nodeClock,
    soon: (work) => {
      void step('pass').then(work);
    },
    turn: () => step('turn'),
    pause: () => step('pause'),
    after: () => () => undefined,
  };
}

async function readAll(model: Model, stream: WatchStream): Promise<void> {
  for (let response = await stream.next(); response !== undefined; response = await stream.next()) {
    model.read(stream, response);
  }
}

test('law 4 holds whatever happens first: watch, write, compact, cancel, close', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 4 }),
      async (s, capacity, batch) => {
        let free = false;
        let checked: Fixture | undefined;
        const step: Step = async (label) => {
          if (!free) await s.schedule(Promise.resolve(), label);
          checked?.check();
        };
        const limits = { queueCapacity: capacity, revisionsPerBatch: batch, watchersPerPass: 2, cacheBytes: 0 };
        free = true;
        const f = await open({ ...limits, clock: scheduledClock(step) }, steppedEngine(step));
        free = false;
        checked = f;
        const { store } = f;
        const model = new Model();
        const streams = [store.newWatchStream(), store.newWatchStream(), store.newWatchStream()];
        const writer = async (): Promise<void> => {
          for (let i = 0; i < 12; i++) {
            await step(`write ${i}`);
            const operation = i % 4 === 3 ? { delete: 'a', end: 'c' } : { put: i % 2 === 0 ? 'a' : 'b', value: `${i}` };
            model.apply([operation]);
            if (operation.delete !== undefined) store.deleteRange(bytes('a'), bytes('c'));
            else store.put(bytes(operation.put), bytes(operation.value));
          }
          await store.settled();
        };
        const watcher = async (stream: WatchStream, from: number): Promise<void> => {
          await step('watch');
          model.watch(stream, 'a', from % 2 === 0 ? undefined : '', {
            from,
            previous: from > 2,
          });
        };
        const canceller = async (): Promise<void> => {
          for (let i = 0; i < 3; i++) await step('cancel');
          for (const each of model.watched) if (each.stream === streams[0] && !each.cancelled) model.cancel(each);
        };
        const compactor = async (): Promise<void> => {
          for (let i = 0; i < 2; i++) {
            await step('compact');
            const revision = store.rev() - 1;
            if (revision <= Math.max(1, model.compacted)) continue;
            model.compacted = revision;
            await (await store.compact(revision)).finished();
          }
        };
        const closer = async (): Promise<void> => {
          for (let i = 0; i < 6; i++) await step('close');
          for (const each of model.watched) if (each.stream === streams[1]) each.cancelled = true;
          streams[1]!.close();
        };
        const reading = streams.map((stream) => readAll(model, stream));
        const actors = [writer(), canceller(), compactor(), closer()];
        for (const stream of [streams[0]!, streams[2]!])
          for (const start of [0, 1, 2, 5]) actors.push(watcher(stream, start));
        actors.push(watcher(streams[1]!, 1).catch(() => undefined));
        await s.waitFor(Promise.all(actors));
        free = true;
        await s.waitFor(
          (async () => {
            for (let i = 0; store.watchStats.unsynced + store.watchStats.victims + store.watchStats.pending > 0; i++) {
              if (i > 10_000) throw new Error('catch-up does not come to an end');
              await new Promise((resolve) => setImmediate(resolve));
            }
            await store.close();
            await Promise.all(reading);
            await f.backend.close();
          })(),
        );
        model.check();
        expect(store.watchStats).toMatchObject({
          streams: 0,
          watchers: 0,
          synced: 0,
          unsynced: 0,
          victims: 0,
          pending: 0,
        });
      },
    ),
    { numRuns: 60 },
  );
});

test('a restore at any moment repeats nothing and leaves nothing out', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.integer({ min: 0, max: 8 }), async (s, ahead) => {
      let free = true;
      const step: Step = (label) => (free ? Promise.resolve() : s.schedule(Promise.resolve(), label));
      const clock = scheduledClock(step);
      const limits = { queueCapacity: 2, revisionsPerBatch: 3, clock, cacheBytes: 0 };
      const a = await open(limits, steppedEngine(step));
      const b = await open({}, steppedEngine(step));
      await b.puts('foo', 10 + ahead);
      free = false;
      const foo = bytes('foo');
      const streams = [0, 1].map(() => a.store.newWatchStream());
      const seen = streams.map((): number[] => []);
      const reading = streams.map(async (stream, i) => {
        for await (const response of stream) seen[i]!.push(...revisions([response]).flat());
      });
      streams[0]!.watch(foo, undefined);
      const writer = async (): Promise<void> => {
        for (let i = 0; i < 10; i++) {
          await step('write');
          a.store.put(foo, bytes('x'));
        }
      };
      const late = async (): Promise<void> => {
        for (let i = 0; i < 4; i++) await step('watch');
        streams[1]!.watch(foo, undefined, { from: 2 });
      };
      const restore = async (): Promise<void> => {
        for (let i = 0; i < 3; i++) await step('restore');
        await a.store.restore(b.backend);
      };
      await s.waitFor(Promise.all([writer(), late(), restore()]));
      free = true;
      await s.waitFor(
        (async () => {
          await a.store.settled();
          for (
            let i = 0;
            a.store.watchStats.unsynced + a.store.watchStats.victims + a.store.watchStats.pending > 0;
            i++
          ) {
            if (i > 10_000) throw new Error('catch-up does not come to an end');
            await new Promise((resolve) => setImmediate(resolve));
          }
        })(),
      );
      const last = a.store.rev();
      for (const stream of streams) stream.close();
      await Promise.all(reading);
      expect(last).toBeGreaterThanOrEqual(11 + ahead);
      for (const list of seen) expect(list).toEqual(upTo(2, last));
      await a.store.close();
      await b.store.close();
      await a.backend.close();
      await b.backend.close();
    }),
    { numRuns: 60 },
  );
});
