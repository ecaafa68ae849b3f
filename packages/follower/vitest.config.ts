import { defineConfig } from 'vitest/config';

export default defineConfig({
  // sorted-btree is CommonJS: tests must meet it as Node does.
  test: { name: 'follower', include: ['test/**/*.test.ts'], deps: { interopDefault: false }, testTimeout: 120_000 },
});
