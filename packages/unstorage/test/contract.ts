/**
 * The contract of a driver of unstorage, as a table: what its own memory driver does, seen through a storage, is what every driver must do.
 * Each row is run on both.
 */
import type { Storage, StorageValue } from 'unstorage';
import { expect } from 'vitest';

export interface Row {
  readonly what: string;
  readonly run: (storage: Storage) => Promise<void>;
}

const sorted = (keys: readonly string[]): string[] => keys.toSorted();

export const contract: readonly Row[] = [
  ...(
    [
      ['text', 'some text'],
      ['empty text', ''],
      ['text that looks like a number', '12'],
      ['text beyond ASCII', 'Zürich 🏔'],
      ['a number', 42],
      ['false', false],
      ['null', null],
      ['an array', [1, 'b', null]],
      ['an object', { a: { b: [true] } }],
    ] as const
  ).map(([what, value]) => ({
    what: `setItem and getItem: ${what} is read back as unstorage reads it`,
    async run(storage: Storage) {
      await storage.setItem('value', value);
      // What looks like JSON is read as such, whatever the driver.
      expect(await storage.getItem('value')).toEqual(what === 'text that looks like a number' ? 12 : value);
      expect(await storage.hasItem('value')).toBe(true);
    },
  })),
  {
    what: 'getItem, getItemRaw, hasItem: what is not there is null, and is not there',
    async run(storage) {
      expect([await storage.getItem('none'), await storage.getItemRaw('none')]).toEqual([null, null]);
      expect(await storage.hasItem('none')).toBe(false);
      expect(await storage.getItems(['none'])).toEqual([{ key: 'none', value: null }]);
    },
  },
  {
    what: 'setItem: undefined removes',
    async run(storage) {
      await storage.setItem('a', 1);
      await storage.setItem('a', undefined as never);
      expect(await storage.hasItem('a')).toBe(false);
    },
  },
  {
    what: 'setItemRaw and getItemRaw: bytes are read back byte by byte',
    async run(storage) {
      const value = new Uint8Array([0, 255, 128, 10]);
      await storage.setItemRaw('raw', value);
      expect([...((await storage.getItemRaw<Uint8Array>('raw')) ?? [])]).toEqual([...value]);
      await storage.setItemRaw('empty', new Uint8Array());
      expect((await storage.getItemRaw<Uint8Array>('empty'))?.length).toBe(0);
      await storage.setItemRaw('raw', undefined);
      expect(await storage.hasItem('raw')).toBe(false);
    },
  },
  {
    what: 'setItems and getItems: several at once, in the order of the question',
    async run(storage) {
      await storage.setItems<StorageValue>([
        { key: 'a', value: 1 },
        { key: 'b:c', value: { x: 1 } },
      ]);
      expect(await storage.getItems(['b:c', 'none', { key: 'a' }])).toEqual([
        { key: 'b:c', value: { x: 1 } },
        { key: 'none', value: null },
        { key: 'a', value: 1 },
      ]);
    },
  },
  {
    what: 'removeItem: gone; what is not there may be removed',
    async run(storage) {
      await storage.setItem('a', 1);
      await storage.removeItem('a');
      await storage.removeItem('a');
      expect(await storage.hasItem('a')).toBe(false);
    },
  },
  {
    what: 'getKeys: all, below a base, and to a depth',
    async run(storage) {
      for (const key of ['a', 'b:c', 'b:c:d', 'b:e:f:g', 'bb:c']) await storage.setItem(key, 1);
      expect(sorted(await storage.getKeys())).toEqual(['a', 'b:c', 'b:c:d', 'b:e:f:g', 'bb:c']);
      expect(sorted(await storage.getKeys('b'))).toEqual(['b:c', 'b:c:d', 'b:e:f:g']);
      expect(sorted(await storage.getKeys('b:e'))).toEqual(['b:e:f:g']);
      expect(sorted(await storage.getKeys('', { maxDepth: 0 }))).toEqual(['a']);
      expect(sorted(await storage.getKeys('', { maxDepth: 1 }))).toEqual(['a', 'b:c', 'bb:c']);
      expect(sorted(await storage.getKeys('b', { maxDepth: 2 }))).toEqual(['b:c', 'b:c:d']);
      expect(await storage.getKeys('none')).toEqual([]);
    },
  },
  {
    // Of a storage with one driver at its root, unstorage clears all or, below a base, nothing.
    what: 'clear: all of a driver',
    async run(storage) {
      for (const key of ['a', 'b:c']) await storage.setItem(key, 1);
      await storage.clear();
      expect(await storage.getKeys()).toEqual([]);
      await storage.clear();
    },
  },
  {
    what: 'setMeta, getMeta, removeMeta: what was set is there, hidden from the keys, and goes with the item if asked',
    async run(storage) {
      await storage.setItem('a', 1);
      await storage.setMeta('a', { owner: 'me', mtime: new Date(5) });
      expect(await storage.getMeta('a')).toMatchObject({ owner: 'me', mtime: new Date(5) });
      expect(await storage.getKeys()).toEqual(['a']);
      await storage.removeMeta('a');
      expect((await storage.getMeta('a'))['owner']).toBeUndefined();
      await storage.setMeta('a', { owner: 'me' });
      await storage.removeItem('a', { removeMeta: true });
      expect((await storage.getMeta('a'))['owner']).toBeUndefined();
    },
  },
  {
    what: 'watch: updates and removals, until it is unwatched',
    async run(storage) {
      const seen: string[] = [];
      const unwatch = await storage.watch((event, key) => seen.push(`${event} ${key}`));
      await storage.setItem('a:b', 1);
      await storage.setItemRaw('c', new Uint8Array([1]));
      await storage.removeItem('a:b');
      await expect.poll(() => seen).toEqual(['update a:b', 'update c', 'remove a:b']);
      await unwatch();
      await storage.setItem('d', 1);
      expect(seen).toHaveLength(3);
    },
  },
];
