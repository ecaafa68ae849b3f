import { defineConfig } from 'vitest/config';

export default defineConfig({
  // sorted-btree is CommonJS: tests must meet it as Node does.
  test: {
    name: 'keyv',
    include: ['test/**/*.test.ts'],
    deps: { interopDefault: false },
    testTimeout: 30_000,
    expect: { poll: { timeout: 20_000 } },
  },
});
