/**
 * decisions/0044: a source whose data are wiped, and that stands at its address again, while the mirror runs and while it does not. Without an
 * address: packages/mirror. `varve serve`, whose two starts take long, with VARVE_LARGE=1.
 */
import { bytes, connect } from '@varve/etcd';
import { memory, open } from '@varve/kv';
import { mirror } from '@varve/mirror';
import { expect, onTestFinished, test } from 'vitest';
import { hasProgram } from '../../conformance/lib/grpc/etcd.mjs';
import { etcdEnd, servedEnd, type End } from '../lib/ends.mjs';

const timeout = 120_000;
const codecs = { key: bytes, value: bytes };
const text = new TextEncoder();
type ByteKv = Parameters<typeof mirror>[0];

async function opened(name: End['name']): Promise<ByteKv> {
  const kv = await connect(name, { ...codecs, timeoutMs: 60_000 });
  onTestFinished(() => kv.close());
  return kv;
}

async function put(kv: ByteKv, count: number, value: string): Promise<number> {
  let revision = 0;
  for (let i = 0; i < count; i++) ({ revision } = await kv.put(text.encode(`k${i % 3}`), text.encode(`${value}${i}`)));
  return revision;
}

test.each<readonly [string, () => Promise<End>, later: boolean]>([
  ...(process.env['VARVE_LARGE'] === '1' ? ([['varve serve', servedEnd, true]] as const) : []),
  ...(hasProgram('etcd')
    ? ([
        ['an etcd', etcdEnd, true],
        ['an etcd with the same id', () => etcdEnd({ sameId: true }), false],
        ['an etcd with the same id that is further', () => etcdEnd({ sameId: true }), true],
      ] as const)
    : []),
])(
  'decisions/0044: %s that is replaced ends the mirror, running or begun again, and nothing of it is written',
  { timeout },
  async (_, start, later) => {
    const end = await start();
    onTestFinished(() => end.end());
    const to = await open(memory(), codecs);
    onTestFinished(() => to.close());
    const running = mirror(await opened(end.name), to);
    const from = await opened(end.name);
    const reached = await put(from, 20, 'first');
    await running.caughtUp(reached);
    await end.replace();
    const other = await opened(end.name);
    if (later) await put(other, 40, 'other');
    const replaced = { code: 'KV_REPLACED', message: expect.stringContaining('another store') as unknown };
    await expect(running.ended).rejects.toMatchObject(replaced);
    if (!later) await put(other, 40, 'other');
    expect((await other.status()).revision).toBeGreaterThan(reached);
    await expect(mirror(other, to).ended).rejects.toMatchObject(replaced);
    for await (const { value } of to.list({ prefix: text.encode('k') }))
      expect(new TextDecoder().decode(value)).toContain('first');
  },
);
