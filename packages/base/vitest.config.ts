import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { name: 'base', include: ['test/**/*.test.ts'], deps: { interopDefault: false }, testTimeout: 60_000 },
});
