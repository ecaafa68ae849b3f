// @ts-check
/** Files outside of a hostile store that it points at. Whoever opens the store must leave them as they are. */
import { lstatSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** @param {string} outside a folder to be made */
export function placeCanaries(outside) {
  mkdirSync(join(outside, 'folder'), { recursive: true });
  writeFileSync(join(outside, 'file'), 'outside of the store\n');
  writeFileSync(join(outside, 'folder', 'file'), 'also outside\n');
}

/** Everything there, as text: equal before and after. @param {string} outside */
export function lookAtCanaries(outside) {
  const lines = [];
  for (const name of readdirSync(outside, { recursive: true, encoding: 'utf8' }).toSorted()) {
    const path = join(outside, name);
    const { mode, mtimeMs, size } = lstatSync(path);
    lines.push(
      `${name} ${mode.toString(8)} ${mtimeMs} ${size} ${name.endsWith('file') ? readFileSync(path, 'latin1') : ''}`,
    );
  }
  return lines.filter((line) => !line.startsWith('folder 4')).join('\n');
}
