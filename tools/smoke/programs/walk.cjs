/**
 * What a first program does with a store, step by step: put, get, an older revision, list, txn, watch, reopen.
 *
 * Prints `ok STEP` for each, so that whoever reads knows how far it came.
 */
const assert = require('node:assert');

/**
 * @param {any} kv what `@varve/kv` exports
 * @param {string} engine
 */
exports.walk = async function walk({ file, level, memory, open, missing, put }, engine) {
  const places = {
    memory: () => memory(),
    file: () => file('./store.db'),
    folder: () => './data',
    level: () => level('./store'),
  };
  /** @param {string} step */
  const done = (step) => console.log(`ok ${step}`);

  let kv = await open(places[engine]());
  done('open');
  const { revision } = await kv.put('config/theme', 'dark');
  await kv.put('config/theme', 'light');
  done('put');
  assert.equal((await kv.get('config/theme')).value, 'light');
  assert.equal((await kv.at(revision).get('config/theme')).value, 'dark');
  done('get');
  const listed = [];
  for await (const entry of kv.list({ prefix: 'config/' })) listed.push(entry.key);
  assert.deepEqual(listed, ['config/theme']);
  done('list');
  const won = await kv.txn({ if: [missing('leader')], then: [put('leader', 'me')] });
  assert.equal(won.succeeded, true);
  done('txn');

  const seen = [];
  const late = kv.put('config/size', 'large');
  for await (const event of kv.watch({ prefix: 'config/' }, { from: revision })) {
    seen.push(`${event.key}=${event.value}`);
    if (event.key === 'config/size') break;
  }
  await late;
  assert.deepEqual(seen, ['config/theme=dark', 'config/theme=light', 'config/size=large']);
  done('watch');

  if (engine !== 'memory') {
    await kv.close();
    kv = await open(places[engine]());
    assert.equal((await kv.get('config/size')).value, 'large');
    assert.equal((await kv.at(revision).get('config/theme')).value, 'dark');
    done('reopen');
  }
  await kv.close();
  done('close');
};
