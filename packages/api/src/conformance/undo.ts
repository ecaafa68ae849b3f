/** Turning a range back: what is written, what is left alone, and that nothing of the past is lost by it. */
import { bytes } from '../codec.ts';
import type { Kv } from '../kv.ts';
import type { UndoPage } from '../undo.ts';
import { equal, holds, refused } from './check.ts';
import { putAll, shown, take, told, type Scenario } from './scenario.ts';

const values = async (kv: Kv): Promise<string[]> => shown(await take(kv.list({})));

export const undoScenarios: readonly Scenario[] = [
  {
    key: 'undo/one',
    title:
      'H1, H2: a range reads as the revision left it, by one transaction; what is outside stays, and so does all history',
    async run(kv) {
      const first = await putAll(kv, { 'a/1': '1', 'a/2': '2', 'a/3': '3', 'b/1': '1' });
      const then = await values(kv);
      await putAll(kv, { 'a/1': 'x', 'a/4': 'x', 'a/3': 'x', 'b/1': 'kept' });
      await kv.delete('a/2');
      const last = await putAll(kv, { 'a/3': '3' });
      const before = await values(kv);
      const pages: UndoPage[] = [];
      const answer = await kv.undo({ prefix: 'a/' }, first, { onPage: (page) => pages.push(page) });
      const done = { put: 2, deleted: 1 };
      equal(answer, { revisions: [last + 1], until: last, ...done, overtaken: 0, leaseless: 0 }, 'the answer');
      equal(pages, [{ revision: last + 1, ...done }], 'what was said');
      equal(
        await values(kv),
        then.map((text) => text.replace('b/1=1', 'b/1=kept')),
        'the present',
      );
      equal(shown(await take(kv.at(last).list({}))), before, 'the revision before');
      const events = await take(kv.changes({}, { since: last }));
      equal(told(events), [`${last + 1} a/1=1`, `${last + 1} a/2=2`, `${last + 1} a/4`], 'what a watch sees');
      const none = { revisions: [], until: last + 1, put: 0, deleted: 0, overtaken: 0, leaseless: 0 };
      equal(await kv.undo({ prefix: 'a/' }, first), none, 'again');
      equal((await kv.status()).revision, last + 1, 'and nothing was written');
      await kv.undo('a/1', last);
      equal((await kv.get('a/1'))?.value, 'x', 'one key, the other way');
      await kv.undo({}, last);
      equal(await values(kv), before, 'an undo that is undone');
    },
  },
  {
    key: 'undo/pages',
    title: 'H3: what is more than a transaction holds is done in several, each said, and ends as one would',
    async run(kv) {
      const keys = Array.from({ length: 300 }, (_, i) => `k${String(i).padStart(4, '0')}`);
      await Promise.all(keys.slice(0, 200).map((key) => kv.put(key, 'then')));
      const first = (await kv.status()).revision;
      const then = await values(kv);
      await kv.delete({ end: 'k0100' });
      await Promise.all(keys.slice(150).map((key) => kv.put(key, 'now')));
      const last = (await kv.status()).revision;
      const pages: UndoPage[] = [];
      const { revisions, put, deleted } = await kv.undo({}, first, { onPage: (page) => pages.push(page) });
      equal([put, deleted], [150, 100], 'what it did');
      holds(revisions.length > 1, 'more than one transaction');
      equal(
        revisions,
        revisions.map((_, i) => last + 1 + i),
        'the revisions',
      );
      equal(
        pages.map(({ revision }) => revision),
        revisions,
        'what was said',
      );
      equal(await values(kv), then, 'the present');
    },
  },
  {
    key: 'undo/overtaken',
    title:
      'H4: a key that somebody writes after the call stays as they wrote it, and is counted; the rest is turned back',
    async run(kv) {
      const keys = Array.from({ length: 140 }, (_, i) => `k${String(i).padStart(4, '0')}`);
      const first = await putAll(kv, { other: 'x' });
      await Promise.all(keys.map((key) => kv.put(key, 'now')));
      const until = (await kv.status()).revision;
      // Between two transactions of one undo: those keys are still to come.
      let writing: Promise<unknown> | undefined;
      const answer = await kv.undo({}, first, {
        onPage: () => {
          writing ??= Promise.all([kv.put('k0139', 'later'), kv.put('new', 'later')]);
        },
      });
      await writing;
      equal([answer.until, answer.deleted + answer.overtaken], [until, 140], 'the answer');
      holds(answer.overtaken <= 1, 'who was written meanwhile');
      equal(await values(kv), ['k0139=later', 'new=later', 'other=x'], 'the present');
    },
  },
  {
    key: 'undo/leases',
    title:
      'H5: a key comes back with its lease where that lives, and is left alone where it is over; others lose theirs',
    async run(kv) {
      const lives = await kv.lease({ ttl: 600 });
      const ends = await kv.lease({ ttl: 600 });
      await kv.put('lives', '1', { lease: lives });
      await kv.put('ends', '1', { lease: ends });
      const first = (await kv.put('free', '1')).revision;
      await ends.revoke();
      await kv.delete('lives');
      await kv.put('free', '2', { lease: lives });
      const { put, deleted, leaseless } = await kv.undo({}, first);
      equal([put, deleted, leaseless], [2, 0, 1], 'the answer');
      equal(await values(kv), ['free=1', 'lives=1'], 'the present');
      equal([(await kv.get('free'))?.lease, (await kv.get('lives'))?.lease], [undefined, lives.id], 'the leases');
      await kv.undo('free', first + 3);
      equal((await kv.get('free'))?.lease, lives.id, 'a lease that was there is there again');
      equal((await lives.revoke()).deleted, 2, 'and ends its keys');
    },
  },
  {
    key: 'undo/refused',
    title: 'H6: what is compacted, not there yet or wrong is refused, and nothing is written',
    async run(kv) {
      const first = await putAll(kv, { a: '1' });
      const second = await putAll(kv, { a: '2', b: '1' });
      const last = await putAll(kv, { a: '3' });
      await kv.compact(second);
      await refused('MVCC_COMPACTED', { 'a compacted revision': () => kv.undo({}, first) });
      await refused('MVCC_FUTURE_REVISION', { 'the future': () => kv.undo({}, last + 1) });
      await refused('KV_INVALID', {
        'revision 0': () => kv.undo({}, 0),
        'an unknown option': () => kv.undo({}, second, { limit: 1 } as object),
        'an unknown bound': () => kv.undo({ from: 'a' } as object, second),
        'no function': () => kv.undo({}, second, { onPage: 'x' } as object),
      });
      const reason = new Error('stop');
      const aborted = {
        aborted: true,
        reason,
        throwIfAborted: stop,
        addEventListener: stop,
        removeEventListener: stop,
      };
      function stop(): never {
        throw reason;
      }
      let seen: unknown;
      await kv
        .undo({}, second, { signal: aborted as unknown as AbortSignal })
        .catch((error: unknown) => (seen = error));
      equal(seen, reason, 'an aborted signal');
      equal((await kv.status()).revision, last, 'nothing was written');
      await kv.undo({}, second);
      equal(await values(kv), ['a=2', 'b=1'], 'the oldest that can be read');
    },
  },
  {
    key: 'undo/namespace',
    title:
      'H7: a name space turns back its own keys alone, and bytes that its codec cannot read come back as they were',
    async run(kv, bench) {
      const raw = await bench.open({ key: bytes, value: bytes });
      const key = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
      const odd = Uint8Array.of(0xff, 0xfe);
      await raw.put(key('n/odd'), odd);
      const first = (await raw.put(key('outside'), odd)).revision;
      await raw.put(key('n/odd'), key('changed'));
      await raw.put(key('outside'), key('changed'));
      await raw.namespace(key('n/')).undo({}, first);
      equal([...((await raw.get(key('n/odd')))?.value ?? [])], [...odd], 'inside');
      equal((await raw.get(key('outside')))?.value.length, 7, 'outside');
      const space = kv.namespace('n/');
      const start = await putAll(space, { a: '1', b: '1' });
      await putAll(kv, { 'n/a': '2', 'n/c': '2', 'm/a': '2', o: '2' });
      equal((await space.undo({ end: 'b' }, start)).put, 1, 'a range of it');
      equal(await values(kv), ['m/a=2', 'n/a=1', 'n/b=1', 'n/c=2', 'o=2'], 'the present');
    },
  },
];
