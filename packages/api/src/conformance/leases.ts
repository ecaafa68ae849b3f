/** Leases: keys that go with them, however they end. */
import { compare, get, nested, put } from '../operations.ts';
import { equal, holds, refusal, refused } from './check.ts';
import { putAll, shown, take, told, type Scenario } from './scenario.ts';

export const leaseScenarios: readonly Scenario[] = [
  {
    key: 'leases/revoke',
    title: 'revoking deletes the keys of a lease in one revision, those of name spaces too, and nothing else',
    async run(kv) {
      const lease = await kv.lease({ ttl: 600 });
      const other = await kv.namespace('m/').lease({ ttl: 600 });
      holds(/^[0-9a-f]{1,16}$/.test(lease.id) && lease.id !== other.id, 'ids are hexadecimal text, each its own');
      await kv.put('b', '1', { lease });
      await kv.put('a', '2', { lease: lease.id });
      await kv.namespace('n/').put('c', '3', { lease });
      await kv.put('other', '4', { lease: other });
      const last = await putAll(kv, { free: '5' });
      equal((await kv.get('a'))?.lease, lease.id, 'the lease of an entry');
      equal((await kv.get('free'))?.lease, undefined, 'the lease of one without');
      equal(lease.signal.aborted, false, 'the signal before');
      equal(await lease.revoke(), { revision: last + 1, deleted: 3 }, 'what it did');
      equal(shown(await take(kv.list({}))), ['free=5', 'other=4'], 'what is left');
      const events = await take(kv.watch({}, { from: last + 1 }), 3);
      equal(told(events), [`${last + 1} a`, `${last + 1} b`, `${last + 1} n/c`], 'what a watch sees');
      equal([lease.signal.aborted, other.signal.aborted], [true, false], 'the signals');
      equal(await lease.remaining(), 0, 'what it has left');
      await refused('LEASE_NOT_FOUND', {
        'a second revocation': () => lease.revoke(),
        'a renewal': () => lease.keepAlive(),
        'a lease to take up': () => kv.lease({ id: lease.id }),
      });
    },
  },
  {
    key: 'leases/expiry',
    title: 'who is not renewed runs out: its keys are deleted as watches see it, and its signal aborts',
    async run(kv) {
      const kept = await kv.lease({ ttl: 600 });
      await kv.put('kept', 'x', { lease: kept });
      // Right before it is used, which a busy machine may be slow about.
      const lease = await kv.lease({ ttl: 1 });
      const { revision } = await kv.put('gone', 'x', { lease });
      const watch = kv.watch('gone', { from: revision + 1, previous: true });
      const lost = new Promise((resolve) => lease.signal.addEventListener('abort', resolve));
      const [event] = await take(watch, 1);
      equal([event?.type, event?.previous?.value, event?.previous?.lease], ['delete', 'x', lease.id], 'the event');
      await lost;
      equal(await kv.get('gone'), undefined, 'the key');
      equal((await kv.get('kept'))?.value, 'x', 'the key of another lease');
      await refused('LEASE_NOT_FOUND', {
        'a renewal': () => lease.keepAlive(),
        'a put': () => kv.put('late', 'x', { lease }),
      });
      equal(await kv.get('late'), undefined, 'what was put too late');
    },
  },
  {
    key: 'leases/ttl-of-a-put',
    title: 'put with a ttl grants a lease of its own in the same transaction; the key goes when it runs out',
    async run(kv) {
      const before = (await kv.status()).revision;
      const [one, more] = await Promise.all([
        kv.put('short', 'x', { ttl: 1 }),
        kv.put('long', 'x', { ttl: 600, previous: true }),
      ]);
      equal([one.revision, more.revision], [before + 1, before + 2], 'one revision each');
      holds(one.lease !== undefined && one.lease !== more.lease, 'each has a lease of its own');
      equal((await kv.get('long'))?.lease, more.lease, 'the lease of the entry');
      equal(told(await take(kv.watch('short', { from: one.revision + 1 }), 1)).length, 1, 'the deletion');
      equal(shown(await take(kv.list({}))), ['long=x'], 'what is left');
      const taken = await kv.lease({ id: more.lease! });
      equal([taken.id, taken.ttl], [more.lease, 600], 'taken up by its id');
      equal((await taken.revoke()).deleted, 1, 'and revoked');
    },
  },
  {
    key: 'leases/keep-alive',
    title: 'keepAlive renews once; with the option it goes on by itself, and a lease outlives its ttl',
    async run(kv) {
      const lease = await kv.lease({ ttl: 600 });
      equal([lease.ttl, await lease.keepAlive()], [600, 600], 'the seconds it has again');
      const left = await lease.remaining();
      holds(left > 500 && left <= 600, `seconds left: ${left}`);
      // Of two seconds, so that who renews it may be held up for one.
      const kept = await kv.lease({ ttl: 2, keepAlive: true });
      await kv.put('kept', 'x', { lease: kept });
      // Three that run out one after the other, each granted when the one before is gone: more than three seconds have passed then.
      for (const name of ['clock/1', 'clock/2', 'clock/3']) {
        const { revision } = await kv.put(name, 'x', { ttl: 1 });
        await take(kv.watch(name, { from: revision + 1 }), 1);
      }
      equal([kept.signal.aborted, (await kv.get('kept'))?.value], [false, 'x'], 'behind its time');
      await kept.revoke();
      equal([kept.signal.aborted, await kv.get('kept')], [true, undefined], 'after its revocation');
    },
  },
  {
    key: 'leases/every-write',
    title: 'txn, nested ones included, and transaction tie keys to leases; a put without one takes the key off',
    async run(kv) {
      const lease = await kv.lease({ ttl: 600 });
      const won = await kv.txn({
        then: [
          put('a', '1', { lease }),
          nested({ then: [put('b', '2', { lease: lease.id }), put('t', 'x', { ttl: 600 })] }),
          get('a'),
        ],
      });
      const [, inner, read] = won.results as unknown as readonly [
        unknown,
        { results: readonly [unknown, { lease?: string }] },
        { lease?: string },
      ];
      equal(read.lease, lease.id, 'a read behind the put');
      equal(inner.results[1].lease, (await kv.get('t'))?.lease, 'the lease that was granted');
      equal((await kv.txn({ if: [compare('a', { lease: { equals: lease.id } })] })).succeeded, true, 'a condition');
      await kv.transaction(async (tx) => {
        tx.put('c', '3', { lease });
        equal((await tx.get('c'))?.lease, lease.id, 'an own write');
        tx.put('u', 'x', { ttl: 600 });
      });
      equal(typeof (await kv.get('u'))?.lease, 'string', 'a ttl in a transaction');
      await kv.put('a', 'free');
      await kv.delete('b');
      equal((await kv.get('a'))?.lease, undefined, 'a key that was put without');
      equal((await lease.revoke()).deleted, 1, 'what belonged to it in the end');
      equal(shown(await take(kv.list({}))), ['a=free', 't=x', 'u=x'], 'what is left');
    },
  },
  {
    key: 'leases/unknown',
    title: 'law 3: a write that names a lease that is not there is refused with LEASE_NOT_FOUND and changes nothing',
    async run(kv) {
      const before = await putAll(kv, { a: '1' });
      const lease = 'deadbeef';
      await refused('LEASE_NOT_FOUND', {
        put: () => kv.put('a', '2', { lease }),
        'put, with what was there': () => kv.put('a', '2', { lease, previous: true }),
        create: () => kv.create('x', '2', { lease }),
        update: () => kv.update('a', '2', { revision: before, lease }),
        txn: () => kv.txn({ then: [put('b', '2'), put('c', '2', { lease })] }),
        'a nested txn': () => kv.txn({ then: [put('b', '2'), nested({ then: [put('c', '2', { lease })] })] }),
        transaction: () => kv.transaction((tx) => (tx.put('b', '2'), tx.put('c', '2', { lease }))),
        'a lease to take up': () => kv.lease({ id: lease }),
      });
      equal([(await kv.status()).revision, shown(await take(kv.list({})))], [before, ['a=1']], 'nothing has changed');
      const branch = { if: [compare('a', { value: { equals: 'no' } })], then: [put('c', '2', { lease })] };
      equal((await kv.txn(branch)).succeeded, false, 'a branch that is not taken');
    },
  },
  {
    key: 'leases/given-ids',
    title: 'an id may be given, and is taken as long as its lease lives; all leases are listed',
    async run(kv) {
      const lease = await kv.lease({ ttl: 600, id: '7bad' });
      equal([lease.id, JSON.parse(JSON.stringify(lease))], ['7bad', { id: '7bad', ttl: 600 }], 'the lease');
      equal(await refusal(() => kv.lease({ ttl: 5, id: '7bad' }), 'an id that is taken'), 'LEASE_EXISTS', 'code');
      const shorter = await kv.lease({ ttl: 300 });
      const listed = await kv.leases();
      equal(
        listed.map(({ id, ttl }) => [id, ttl]),
        [
          [shorter.id, 300],
          ['7bad', 600],
        ],
        'all leases, the one with least time left first',
      );
      for (const { remaining, ttl } of listed) holds(remaining > ttl - 100 && remaining <= ttl, 'seconds left');
      await shorter.revoke();
      equal((await kv.leases()).length, 1, 'after a revocation');
      await lease.revoke();
      equal((await kv.lease({ ttl: 5, id: '7bad' })).id, '7bad', 'the id is free again');
    },
  },
  {
    key: 'leases/dispose',
    title: 'disposing revokes, also what is over already; after close the signal tells and disposing does nothing',
    async run(kv) {
      {
        await using lease = await kv.lease({ ttl: 600 });
        await kv.put('a', '1', { lease });
      }
      equal(await kv.get('a'), undefined, 'the key');
      const over = await kv.lease({ ttl: 600 });
      await over.revoke();
      await over[Symbol.asyncDispose]();
      const open = await kv.lease({ ttl: 600, keepAlive: true });
      await kv.close();
      equal(open.signal.aborted, true, 'the signal after close');
      equal((open.signal.reason as { code?: string }).code, 'KV_CLOSED', 'its reason');
      await open[Symbol.asyncDispose]();
      await refused('KV_CLOSED', {
        keepAlive: () => open.keepAlive(),
        remaining: () => open.remaining(),
        revoke: () => open.revoke(),
        lease: () => kv.lease({ ttl: 5 }),
        leases: () => kv.leases(),
      });
    },
  },
  {
    key: 'leases/arguments',
    title: 'wrong arguments are KV_INVALID, and nothing is granted or written',
    async run(kv) {
      const bad = (options: unknown) => () => kv.lease(options as { ttl: number });
      const putWith = (options: unknown) => () => kv.put('a', '1', options as object);
      const lease = await kv.lease({ ttl: 600 });
      await refused('KV_INVALID', {
        'no options': bad(undefined),
        'neither ttl nor id': bad({}),
        'a ttl of 0': bad({ ttl: 0 }),
        'a part of a second': bad({ ttl: 1.5 }),
        'a ttl as text': bad({ ttl: '5' }),
        'an id of another kind': bad({ ttl: 5, id: 7n }),
        'an id that is no number': bad({ ttl: 5, id: 'x' }),
        'the id 0': bad({ ttl: 5, id: '0' }),
        'an unknown name': bad({ ttl: 5, keepalive: true }),
        'keepAlive of another kind': bad({ ttl: 5, keepAlive: 1 }),
        'a put with both': putWith({ lease, ttl: 5 }),
        'a put with a lease of another kind': putWith({ lease: 7 }),
        'a put with no lease': putWith({ lease: null }),
        'a put with the lease 0': putWith({ lease: '0' }),
        'a put with a ttl of 0': putWith({ ttl: 0 }),
        'an operation with both': () => kv.txn({ then: [put('a', '1', { lease, ttl: 5 })] }),
        'a transaction with both': () => kv.transaction((tx) => tx.put('a', '1', { lease, ttl: 5 })),
      });
      equal([await kv.get('a'), (await kv.leases()).length], [undefined, 1], 'nothing was done');
    },
  },
  {
    key: 'leases/reopen',
    title: 'law 1: leases and whose keys are theirs outlive the store that is closed',
    reopens: true,
    async run(kv, bench) {
      const lease = await kv.lease({ ttl: 600 });
      await kv.put('a', '1', { lease });
      await kv.put('b', '2');
      const again = await bench.reopen(kv);
      const taken = await again.lease({ id: lease.id });
      const left = await taken.remaining();
      holds(left > 500 && left <= 600, `seconds left: ${left}`);
      equal([taken.ttl, (await again.get('a'))?.lease], [600, lease.id], 'ttl, and the lease of the entry');
      equal((await taken.revoke()).deleted, 1, 'keys that went with it');
      equal(shown(await take(again.list({}))), ['b=2'], 'what is left');
    },
  },
];
