import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { name: 'readme-examples', include: ['*.test.ts'], testTimeout: 40_000 },
});
