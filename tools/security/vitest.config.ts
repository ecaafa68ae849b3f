import { defineConfig } from 'vitest/config';
import { patience } from '../../vitest.patience.ts';

export default defineConfig({
  test: { ...patience, name: 'security', include: ['test/**/*.test.ts'], testTimeout: 300_000 },
});
