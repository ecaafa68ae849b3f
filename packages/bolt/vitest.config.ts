import { defineConfig } from 'vitest/config';
import { patience } from '../../vitest.patience.ts';

export default defineConfig({
  // sorted-btree is CommonJS: tests must meet it as Node does.
  test: { ...patience, name: 'bolt', include: ['test/**/*.test.ts'], deps: { interopDefault: false } },
});
