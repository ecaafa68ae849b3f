/** Three hundred random histories of every call, against a model that knows nothing of how revisions are stored. */
import { kvConformance } from '@varve/api/conformance';
import { expect, test } from 'vitest';
import { memory, open } from '../src/index.ts';

const bodies: [string, () => Promise<void>][] = [];
kvConformance({
  test: (name, body) => void (name.startsWith('histories/') && bodies.push([name, body])),
  open: (codecs) => open(memory(), codecs),
  histories: 300,
});

const perTest = 50;

test.each(Array.from({ length: bodies.length / perTest }, (_, i) => i * perTest))(
  "laws 2 to 5: every answer is the model's, from seed %i on",
  async (first) => {
    expect(bodies).toHaveLength(300);
    for (const [name, body] of bodies.slice(first, first + perTest)) {
      await body().catch((error: unknown) => expect.fail(`${name}: ${String(error)}`));
    }
  },
  120_000,
);
