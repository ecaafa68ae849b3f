import { defineConfig } from 'vitest/config';
import { patience } from '../../vitest.patience.ts';

export default defineConfig({
  test: { ...patience, name: 'rivals', include: ['test/**/*.test.ts'], testTimeout: 240_000 },
});
