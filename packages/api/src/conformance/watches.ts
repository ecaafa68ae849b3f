/** Watches, in all their options. */
import { equal, holds, refusal, thrown } from './check.ts';
import { putAll, take, takeUntil, told, toldBatches, type Scenario } from './scenario.ts';

export const watchScenarios: readonly Scenario[] = [
  {
    key: 'watch/future',
    title: 'law 4: a watch sees every change after its beginning, once, in order, and nothing before',
    async run(kv) {
      await kv.put('a', 'before');
      const watch = kv.watch({});
      const started = await watch.started();
      holds(watch.revision <= started, 'revision of a watch that has seen nothing');
      const wanted: string[] = [];
      for (let i = 0; i < 20; i++) {
        const { revision } = await kv.put(`k${i % 3}`, `${i}`);
        wanted.push(`${revision} k${i % 3}=${i}`);
      }
      const { revision } = await kv.delete('k0');
      wanted.push(`${revision} k0`);
      equal(told(await take(watch, wanted.length)), wanted, 'events');
      equal(watch.revision, revision, 'revision of the watch');
    },
  },
  {
    key: 'watch/range',
    title: 'law 4: a watch of a key or a range gets what lies in it, and nothing else',
    async run(kv) {
      const watches = [
        kv.watch('b'),
        kv.watch({ prefix: 'b' }),
        kv.watch({ start: 'b', end: 'c' }),
        kv.watch({ start: 'c' }),
      ];
      watches.push(kv.watch({ prefix: 'b', start: 'b1' }));
      for (const watch of watches) await watch.started();
      const first = await putAll(kv, { a: '1' });
      await putAll(kv, { b: '2', b1: '3', c: '4' });
      await kv.txn({
        then: ['b', 'b1', 'b2', 'c'].map((key) => ({ type: 'put', key, value: 'end' }) as const),
      });
      const at = (n: number, key: string, value = String(n + 1)) => `${first + n} ${key}=${value}`;
      const [end, last] = ['end', 4];
      const wanted = [
        [at(1, 'b'), at(last, 'b', end)],
        [at(1, 'b'), at(2, 'b1'), at(last, 'b', end), at(last, 'b1', end), at(last, 'b2', end)],
        [at(1, 'b'), at(2, 'b1'), at(last, 'b', end), at(last, 'b1', end), at(last, 'b2', end)],
        [at(3, 'c'), at(last, 'c', end)],
        [at(2, 'b1'), at(last, 'b1', end), at(last, 'b2', end)],
      ];
      for (const [i, watch] of watches.entries())
        equal(told(await take(watch, wanted[i]?.length)), wanted[i], `watch ${i}`);
    },
  },
  {
    key: 'watch/from',
    title: 'law 4: from reads history first and goes on with the future, without gap or repetition',
    async run(kv) {
      const first = await putAll(kv, { a: '0' });
      for (let i = 1; i < 300; i++) await kv.put('a', `${i}`);
      const watch = kv.watch('a', { from: first + 100 });
      const pulled = takeUntil(watch, (event) => event.value === '399');
      for (let i = 300; i < 400; i++) await kv.put('a', `${i}`);
      const wanted = Array.from({ length: 300 }, (_, i) => `${first + 100 + i} a=${100 + i}`);
      equal(told(await pulled), wanted, 'events');
    },
  },
  {
    key: 'watch/from-future',
    title: 'law 4: from a revision that does not exist yet waits for it',
    async run(kv) {
      const { revision } = await kv.put('a', '1');
      const watch = kv.watch('a', { from: revision + 3 });
      await watch.started();
      await putAll(kv, { a: '2', b: 'x' });
      const last = (await kv.put('a', '4')).revision;
      equal(told(await take(watch, 1)), [`${last} a=4`], 'events');
    },
  },
  {
    key: 'watch/revisions',
    title: 'law 4: batches are whole revisions, in the order of the transaction',
    async run(kv) {
      const watch = kv.watch({});
      await watch.started();
      const { revision } = await kv.txn({
        then: [
          { type: 'put', key: 'b', value: '1' },
          { type: 'put', key: 'a', value: '2' },
          { type: 'put', key: 'c', value: '3' },
        ],
      });
      await kv.delete({ all: true });
      await kv.put('end', '.');
      const found = await takeUntil(watch.batches(), ({ events }) => events.some(({ key }) => key === 'end'));
      const full = found.filter(({ events }) => events.length > 0);
      equal(
        toldBatches(full),
        [
          `${revision}: ${revision} b=1, ${revision} a=2, ${revision} c=3`,
          `${revision + 1}: ${revision + 1} a, ${revision + 1} b, ${revision + 1} c`,
          `${revision + 2}: ${revision + 2} end=.`,
        ],
        'batches',
      );
      holds(
        full.every(({ initial }) => !initial),
        'none of them is initial',
      );
    },
  },
  {
    key: 'watch/previous',
    title: 'previous tells the entry before the change, of creations none',
    async run(kv) {
      const watch = kv.watch('a', { previous: true });
      const plain = kv.watch('a');
      await Promise.all([watch.started(), plain.started()]);
      await kv.put('a', '1');
      const first = await kv.get('a');
      await kv.put('a', '2');
      const second = await kv.get('a');
      await kv.delete('a');
      await kv.put('a', '3');
      const events = await take(watch, 4);
      equal(
        events.map((event) => event.previous),
        [undefined, first, second, undefined],
        'previous',
      );
      equal(
        (await take(plain, 4)).map((event) => event.previous),
        [undefined, undefined, undefined, undefined],
        'not asked for',
      );
      const past = await take(kv.watch('a', { from: first?.modRevision, previous: true }), 4);
      equal(past, events, 'the same from history');
    },
  },
  {
    key: 'watch/only',
    title: 'only leaves out the other kind of events',
    async run(kv) {
      const first = await putAll(kv, { a: '1' });
      await kv.delete('a');
      await putAll(kv, { a: '2' });
      await kv.delete('a');
      equal(
        told(await take(kv.watch('a', { from: first, only: 'put' }), 2)),
        [`${first} a=1`, `${first + 2} a=2`],
        'puts',
      );
      equal(
        told(await take(kv.watch('a', { from: first, only: 'delete' }), 2)),
        [`${first + 1} a`, `${first + 3} a`],
        'deletions',
      );
    },
  },
  {
    key: 'watch/initial',
    title: 'law 4: initial gives the present state as puts, then every change after it',
    async run(kv) {
      await putAll(kv, { 'k/a': '1', 'k/b': '2', other: 'x' });
      await kv.delete('k/a');
      const last = await putAll(kv, { 'k/c': '3' });
      const state = await take(kv.list({ prefix: 'k/' }));
      const watch = kv.watch({ prefix: 'k/' }, { initial: true });
      equal([await watch.started(), watch.revision], [last, 0], 'revision before the state is handed out');
      const later = await putAll(kv, { 'k/b': '4' });
      const found = await takeUntil(watch.batches(), ({ revision }) => revision === later);
      const initial = found.filter((batch) => batch.initial);
      equal(
        initial.flatMap(({ events }) => events),
        state.map((entry) => Object.assign({ type: 'put', revision: entry.modRevision }, entry)),
        'the state',
      );
      holds(
        initial.every(({ revision }) => revision === last),
        'the revision of the state',
      );
      const mark = found.findIndex((batch) => !batch.initial);
      equal([found[mark]?.events.length, found[mark]?.revision], [0, last], 'the bookmark behind the state');
      equal(
        toldBatches(found.slice(mark + 1).filter(({ events }) => events.length > 0)),
        [`${later}: ${later} k/b=4`],
        'the change',
      );
      const empty = kv.watch({ prefix: 'nothing/' }, { initial: true });
      const [bookmark] = await take(empty.batches(), 1);
      equal([bookmark?.events.length, bookmark?.initial], [0, false], 'the state of nothing');
    },
  },
  {
    key: 'watch/progress',
    title: 'while nothing happens, batches() gives an empty batch of a revision up to which everything was handed out',
    async run(kv) {
      const watch = kv.watch('a', { progressIntervalMs: 5 });
      await watch.started();
      const { revision } = await kv.put('elsewhere', 'x');
      const found = await takeUntil(watch.batches(), (batch) => batch.revision >= revision);
      equal(
        found.flatMap(({ events }) => events),
        [],
        'events',
      );
      holds(watch.revision >= revision, 'revision of the watch');
    },
  },
  {
    key: 'watch/resume',
    title: 'law 4: from: watch.revision + 1 goes on without gap or repetition, wherever it was left',
    async run(kv) {
      const first = await putAll(kv, { a: '0' });
      for (let i = 1; i < 10; i++) {
        await kv.txn({
          then: [
            { type: 'put', key: 'a', value: `${i}` },
            { type: 'put', key: 'b', value: `${i}` },
          ],
        });
      }
      await kv.put('end', '.');
      const found: string[] = [];
      for (let from = first, ended = false; !ended;) {
        const watch = kv.watch({}, { from });
        for await (const batch of watch.batches()) {
          found.push(...told(batch.events));
          ended = batch.events.some(({ key }) => key === 'end');
          break;
        }
        holds(watch.revision >= from, 'a watch that went on');
        from = watch.revision + 1;
      }
      const pairs = Array.from({ length: 9 }, (_, i) => [`${first + i + 1} a=${i + 1}`, `${first + i + 1} b=${i + 1}`]);
      equal(found, [`${first} a=0`, ...pairs.flat(), `${first + 10} end=.`], 'events');
    },
  },
  {
    key: 'watch/slow',
    title: 'laws 4 and 9: who pulls late misses nothing, and stops nobody',
    async run(kv) {
      const watch = kv.watch({});
      await watch.started();
      const { revision } = await kv.status();
      const n = 2000;
      for (let i = 0; i < n; i += 100) {
        await Promise.all(Array.from({ length: 100 }, (_, at) => kv.put(`k${(i + at) % 7}`, `${i + at}`)));
      }
      const wanted = Array.from({ length: n }, (_, i) => `${revision + 1 + i} k${i % 7}=${i}`);
      equal(told(await take(watch, n)), wanted, 'events');
    },
  },
  {
    key: 'watch/ends',
    title: 'leaving the loop, close() and the signal end a watch: the signal with its reason, the others without error',
    async run(kv) {
      const { revision } = await kv.put('a', '1');
      const left = kv.watch('a', { from: revision });
      await take(left, 1);
      const again = await refusal(() => take(left), 'a second iteration');
      equal(again, 'KV_INVALID', 'a second iteration');
      const closed = kv.watch('a');
      const pull = take(closed);
      await closed.started();
      await closed.close();
      await closed.close();
      equal(await pull, [], 'a watch that was closed under a pull');
      const controller = new AbortController();
      const aborted = kv.watch('a', { signal: controller.signal });
      const ending = thrown(() => take(aborted), 'a watch that was aborted');
      await aborted.started();
      const reason = new Error('enough');
      controller.abort(reason);
      equal((await ending) === reason, true, 'the reason');
      equal(
        (await thrown(() => take(kv.watch('a', { signal: controller.signal })), 'aborted before')) === reason,
        true,
        'aborted before',
      );
      equal(kv.watch('a').unref().ref() instanceof Object, true, 'ref and unref');
    },
  },
  {
    key: 'watch/compacted',
    title: 'law 4: a start that is compacted ends with one clear error that tells where to go on',
    async run(kv) {
      const first = await putAll(kv, { a: '1' });
      const last = await putAll(kv, { a: '2', b: '3' });
      await kv.compact(last, { physical: true });
      const error = await thrown(() => take(kv.watch({}, { from: first }), 1), 'a compacted start');
      const { code, compactRevision } = error as { code?: string; compactRevision?: number };
      equal([code, compactRevision], ['MVCC_COMPACTED', last], 'the error');
      equal(told(await take(kv.watch({}, { from: compactRevision }), 1)), [`${last} b=3`], 'from there on');
    },
  },
];
