/** What must hold of the layers of an overlay, told by their public members. */
import { compareBytes } from '@varve/base/order';
import type { Layer, RowCursor } from '../src/pending/layer.ts';

type Checked = Pick<Layer, 'cursors'> & { find(key: Uint8Array): unknown };

/** Rows in byte order, the newest of each key; as a map from key to what is said of it last, in hex. */
export function checkLayer(layer: Checked): Map<string, 'put' | 'delete'> {
  const said = new Map<string, 'put' | 'delete'>();
  for (const cursor of layer.cursors(undefined, undefined)) {
    let before: Uint8Array | undefined;
    for (const { key, type } of rows(cursor)) {
      if (before !== undefined && compareBytes(before, key) >= 0) throw new Error('LY4: a cursor out of order');
      before = key;
      const name = Buffer.from(key).toString('hex');
      // The cursor whose rows win comes first: deletes over rows, since a key that was put never comes again.
      if (said.get(name) === 'put') throw new Error('LY4: a key in two cursors, and the older one wins');
      if (!said.has(name)) said.set(name, type);
      const found = layer.find(key);
      if (found === undefined || found === -1) throw new Error('LY3: a row that is not found by its key');
    }
  }
  return said;
}

function* rows(cursor: RowCursor): Generator<{ readonly key: Uint8Array; readonly type: 'put' | 'delete' }> {
  for (let next = cursor.next(); next.done !== true; next = cursor.next()) yield next.value;
}
