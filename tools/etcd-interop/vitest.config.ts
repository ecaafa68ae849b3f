import { defineConfig } from 'vitest/config';
import { patience } from '../../vitest.patience.ts';

export default defineConfig({
  test: { ...patience, name: 'etcd-interop', include: ['test/**/*.test.ts'] },
});
