/** Everything that every `Kv` must do, on a store that is served in this process. Real etcds: tools/conformance. */
import { kvConformance } from '@varve/api/conformance';
import { afterEach, test } from 'vitest';
import { connect, type Kv } from '../src/index.ts';
import { Served } from './support/served.ts';

const open = new Set<Served>();
const ofKv = new WeakMap<object, Served>();

afterEach(async () => {
  for (const served of open) await served.close();
  open.clear();
});

async function again(closed: Kv): Promise<Kv> {
  const served = ofKv.get(closed)!;
  const kv = await connect(`etcd://${served.address}`);
  ofKv.set(kv, served);
  return kv;
}

kvConformance({
  test,
  async open(codecs) {
    const served = await Served.open();
    open.add(served);
    const kv = await connect(`etcd://${served.address}`, codecs);
    ofKv.set(kv, served);
    return kv;
  },
  reopen: again,
});
