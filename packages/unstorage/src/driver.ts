/**
 * A driver for unstorage over any `Kv` with keys of text: values as bytes, text as UTF-8.
 *
 * UND1  What is set raw is bytes, what is set otherwise is text. Text that is no UTF-8 is never guessed: `getItem` gives the bytes then.
 * UND2  A time to live is a lease of the key's own: it is there for at least so many seconds, and up to a second longer.
 * UND3  Many items are written in pages, a transaction each: at most 128 of them, or half a million characters.
 * UND4  A watch tells of every change behind its beginning, whoever made it, in the order of the changes. Where it cannot, it says so (watching.ts).
 * UND5  The depth of a key is counted inside the driver, so it leaves out no key that unstorage would keep; unstorage, which knows where the
 *       driver is mounted, leaves out the rest.
 */
import { bytes, codeOf, put, type Entry, type Kv } from '@varve/api';
import { deleteEach, getEach, leaseSeconds, LentStore, pagesOf, type KvOrOpen } from '@varve/api/adapt';
import { invalidType, outOfRange } from '@varve/api/implement';
import { checkOptions, isFunction, isNumber, type Faults, type Rules } from '@varve/base/options';
import { bytesOf, valueOf } from './values.ts';
import type { BytesKv, CallOptions, VarveDriver, VarveDriverOptions, VarveMeta } from './varve-driver.ts';
import { watchChanges } from './watching.ts';

const faults: Faults = { type: invalidType, range: outOfRange };
const isSeconds = isNumber('a number of seconds, or 0 for ever', (seconds) => seconds >= 0);
const rules: Rules<VarveDriverOptions> = {
  base: { what: 'a text', isKind: (value) => typeof value === 'string' },
  ttl: isSeconds,
  onError: isFunction,
};

/**
 * A driver for `createStorage({ driver })`. A store that is given open stays open; a function is called at the first use, and what it opens
 * is closed by `dispose`. It may be of values of any type: what lies below `base` is bytes, as `kv.namespace(base, { value: bytes })` has it.
 * @throws TypeError, RangeError `KV_INVALID`
 */
export function varveDriver<V>(store: KvOrOpen<Kv<string, V>>, options: VarveDriverOptions = {}): VarveDriver {
  checkOptions(options, rules, faults);
  const prefix = (options.base ?? '').replace(/:+$/, '');
  const lent = new LentStore(store);
  const kv = async (): Promise<BytesKv> =>
    (await lent.open()).namespace(prefix === '' ? '' : `${prefix}:`, { value: bytes });
  const unwatches = new Set<() => Promise<void>>();
  let isDisposed = false;
  const onError = options.onError ?? ((error: unknown) => console.error(error));

  const set = async (key: string, value: unknown, call?: CallOptions): Promise<void> => {
    const [owned, ttl] = [bytesOf(value), secondsOf(call, options)];
    await (await kv()).put(key, owned, { ttl });
  };
  return {
    name: 'varve',
    options,
    flags: { ttl: true },
    getInstance: kv,
    async hasItem(key) {
      return (await (await kv()).get(key)) !== undefined;
    },
    async getItem(key) {
      return valueOf(await (await kv()).get(key));
    },
    async getItems(items) {
      const keys = items.map(({ key }) => key);
      const found = await getEach(await kv(), keys);
      return items.map(({ key }, index) => ({ key, value: valueOf(found[index]) }));
    },
    async getItemRaw(key) {
      return (await (await kv()).get(key))?.value ?? null;
    },
    setItem: set,
    setItemRaw: set,
    async setItems(items, common) {
      const puts = new Map(
        items.map(({ key, value, options: call }) => {
          return [key, put(key, bytesOf(value), { ttl: secondsOf({ ...common, ...call }, options) })];
        }),
      );
      const store = await kv();
      for (const then of pagesOf(puts.values(), ({ key, value }) => key.length + value.length))
        await store.txn({ then });
    },
    async removeItem(key) {
      await (await kv()).delete(key);
    },
    async getMeta(key) {
      const store = await kv();
      const entry = await store.get(key);
      return entry === undefined ? null : metaOf(store, entry);
    },
    async getKeys(base = '', { maxDepth } = {}) {
      const keys = await (await kv()).keys(base === '' ? {} : { prefix: base }, { undecodable: 'skip' }).toArray();
      return typeof maxDepth === 'number' ? keys.filter((key) => key.split(':').length - 1 <= maxDepth) : keys;
    },
    async clear(base = '') {
      await deleteEach(await kv(), base === '' ? { all: true } : { prefix: base });
    },
    async dispose() {
      isDisposed = true;
      await Promise.all([...unwatches].map((unwatch) => unwatch()));
      await lent.close();
    },
    async watch(callback) {
      const unwatch = await watchChanges(await kv(), callback, onError);
      unwatches.add(unwatch);
      // Nobody else would end it.
      if (isDisposed) await unwatch();
      return async () => {
        unwatches.delete(unwatch);
        await unwatch();
      };
    },
  };
}

async function metaOf(kv: BytesKv, entry: Entry<string, Uint8Array>): Promise<VarveMeta | null> {
  const { modRevision: revision, createRevision, version, lease } = entry;
  const meta = { revision, createRevision, version, size: entry.value.length };
  if (lease === undefined) return meta;
  try {
    return { ...meta, ttl: await (await kv.lease({ id: lease })).remaining() };
  } catch (error) {
    // Its time came between the two calls.
    if (codeOf(error) === 'LEASE_NOT_FOUND') return null;
    throw error;
  }
}

/** Whole seconds for a lease, rounded up; 0 is for ever, as it is for unstorage's other drivers, and so is what no lease can have. */
function secondsOf(call: CallOptions | undefined, options: VarveDriverOptions): number | undefined {
  const ttl: unknown = call?.['ttl'] ?? options.ttl;
  if (ttl === undefined || ttl === 0) return undefined;
  if (typeof ttl !== 'number' || !(ttl > 0)) throw invalidType('ttl must be a number of seconds above 0');
  return leaseSeconds(ttl);
}
