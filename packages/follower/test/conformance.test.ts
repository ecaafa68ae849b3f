/** Everything that every `Kv` must do, by a follower of an embedded store; one of a store that is served: served.test.ts. */
import { kvConformance } from '@varve/api/conformance';
import { bytes, memory, open } from '@varve/kv';
import { afterEach, test } from 'vitest';
import { openFollower, type ByteKv } from '../src/index.ts';

const sources = new Set<ByteKv>();

afterEach(async () => {
  for (const source of sources) await source.close();
  sources.clear();
});

kvConformance({
  test,
  histories: 2,
  async open(codecs) {
    const source = await open(memory(), { key: bytes, value: bytes });
    sources.add(source);
    return openFollower(source, codecs);
  },
});
