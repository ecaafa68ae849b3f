import { defineConfig } from 'vitest/config';
import { patience } from '../../vitest.patience.ts';

export default defineConfig({
  test: { ...patience, name: 'browser', include: ['test/**/*.test.ts'], testTimeout: 280_000 },
});
