/**
 * The built package in a plain Node process: sorted-btree loads differently there than under a test runner.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const program = `
  import { checkTreeIndex, createTreeIndex } from '@varve/index';
  const index = createTreeIndex();
  for (let n = 0; n < 1000; n++) index.put(Uint8Array.of(n >> 8, n & 255), n + 2, 0);
  index.tombstone(Uint8Array.of(0, 7), 2000, 0);
  checkTreeIndex(index);
  const compaction = index.compact(2001);
  while (!compaction.next().done);
  const { main } = index.get(Uint8Array.of(3, 231), 2001);
  console.log(JSON.stringify({ size: index.size, main }));
`;

test('works when plain Node loads what was built', () => {
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    encoding: 'utf8',
  });
  expect(JSON.parse(output)).toEqual({ size: 999, main: 1001 });
});
