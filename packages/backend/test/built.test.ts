/** What Node meets when it imports the package: the emitted files, without the test runner in between. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('the built package runs under plain node, sorted-btree included', () => {
  const script = `
    import { openBackend, buckets } from '@varve/backend';
    import { memoryEngine } from '@varve/backend/memory';
    import { engineConformance } from '@varve/backend/conformance';
    const backend = await openBackend(memoryEngine());
    backend.batchTx((tx) => {
      tx.createBucket(buckets.test);
      tx.put(buckets.test, Uint8Array.of(1), Uint8Array.of(2));
    });
    const snapshot = await backend.snapshot();
    console.log(backend.readTx((tx) => tx.get(buckets.test, Uint8Array.of(1)))[0], snapshot.size, typeof engineConformance);
    await snapshot[Symbol.asyncDispose]();
    await backend.close();`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    encoding: 'utf8',
  });
  expect(output).toMatch(/^2 \d+ function\n$/);
});
