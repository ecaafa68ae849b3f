import { defineConfig } from 'vitest/config';
import { patience } from '../../vitest.patience.ts';

export default defineConfig({
  test: { ...patience, name: 'custom-engine', include: ['test/**/*.test.ts'], deps: { interopDefault: false } },
});
