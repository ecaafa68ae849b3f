import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { name: 'recipes', include: ['test/**/*.test.ts'], deps: { interopDefault: false }, testTimeout: 60_000 },
});
