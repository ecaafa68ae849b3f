import { defineConfig } from 'vitest/config';
import { patience } from '../../vitest.patience.ts';

export default defineConfig({
  test: {
    ...patience,
    name: 'tour',
    include: ['test/**/*.test.ts'],
    deps: { interopDefault: false },
    silent: true,
  },
});
