import { test } from 'vitest';
import { deferred, engineConformance } from '../src/conformance/index.ts';
import { memoryEngine } from '../src/engines/memory.ts';

engineConformance({ test, open: async () => memoryEngine() });

let seed = 0;
engineConformance({
  test: (name, body) => test(`deferred: ${name}`, body),
  open: async () => deferred(memoryEngine(), (seed += 1)),
});
