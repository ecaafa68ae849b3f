// The rooms of src (drawn in watchers.ts) call each other downwards only: no file of a room imports what lies above it.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const src = fileURLToPath(new URL('../src', import.meta.url));
/** From the top to the bottom. */
const rooms = ['history', 'delivery', 'places'];

/** Files of src that the file imports, types included, as paths below src. */
function imports(path: string): string[] {
  const text = readFileSync(path, 'utf8');
  return [...text.matchAll(/from '(\.[^']+)'/g)].map(([, target]) => relative(src, join(dirname(path), target!)));
}

test.each(rooms)('nothing in %s imports from a room above it, nor what assembles them', (room) => {
  const above = [...rooms.slice(0, rooms.indexOf(room)), 'watchers.ts', 'open-watchable-store.ts', 'index.ts'];
  const names = readdirSync(join(src, room));
  expect(names.length).toBeGreaterThan(2);
  const upwards = names.flatMap((name) =>
    imports(join(src, room, name))
      .filter((target) => above.some((one) => target === one || target.startsWith(`${one}/`)))
      .map((target) => `${room}/${name} imports ${target}`),
  );
  expect(upwards).toEqual([]);
});
