// @keyv/etcd, over the client etcd3 of npm: `node keyv-etcd.mjs PORT`.
import assert from 'node:assert/strict';
import { KeyvEtcd } from '@keyv/etcd';
import { Keyv } from 'keyv';
import { runScenarios } from './scenarios.mjs';

const uri = `etcd://127.0.0.1:${process.argv[2]}`;

await runScenarios({
  async 'set, get, has, delete'() {
    const keyv = new Keyv({ store: new KeyvEtcd(uri) });
    await keyv.set('a', { deep: [1, 'two'] });
    assert.deepEqual(await keyv.get('a'), { deep: [1, 'two'] });
    assert.equal(await keyv.has('a'), true);
    assert.equal(await keyv.delete('a'), true);
    assert.equal(await keyv.get('a'), undefined);
    await keyv.disconnect();
  },
  async 'namespaces are apart'() {
    const one = new Keyv({ store: new KeyvEtcd(uri), namespace: 'one' });
    const two = new Keyv({ store: new KeyvEtcd(uri), namespace: 'two' });
    await one.set('k', 1);
    await two.set('k', 2);
    await one.clear();
    assert.deepEqual([await one.get('k'), await two.get('k')], [undefined, 2]);
    await Promise.all([one.disconnect(), two.disconnect()]);
  },
  async 'many at once'() {
    const keyv = new Keyv({ store: new KeyvEtcd(uri), namespace: 'many' });
    const names = Array.from({ length: 200 }, (_, index) => `k${index}`);
    await Promise.all(names.map((name) => keyv.set(name, name)));
    assert.deepEqual(await keyv.get(names), names);
    await keyv.disconnect();
  },
  async 'a time to live'() {
    const keyv = new Keyv({ store: new KeyvEtcd(uri, { ttl: 2000 }), namespace: 'ttl' });
    await keyv.set('k', 'v');
    assert.equal(await keyv.get('k'), 'v');
    const end = Date.now() + 10_000;
    while ((await keyv.get('k')) !== undefined && Date.now() < end) {
      await new Promise((resolve) => {
        setTimeout(resolve, 200);
      });
    }
    assert.equal(await keyv.get('k'), undefined);
    await keyv.disconnect();
  },
  async iterator() {
    const store = new KeyvEtcd(uri);
    const keyv = new Keyv({ store, namespace: 'walk' });
    await keyv.set('x', 1);
    await keyv.set('y', 2);
    const found = [];
    for await (const [key] of keyv.iterator?.(undefined) ?? []) found.push(key);
    assert.deepEqual(new Set(found), new Set(['x', 'y']));
    await keyv.disconnect();
  },
});
