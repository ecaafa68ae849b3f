/** ENM2: a member at a Unix socket is a member like others. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { connect } from '../src/index.ts';
import { Served } from './support/served.ts';

test.skipIf(process.platform === 'win32')(
  'ENM2: reads, writes and watches go on when the socket is made again',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'varve-etcd-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, 'a b.sock');
    await using served = { value: await Served.open(path), [Symbol.asyncDispose]: () => served.value.close() };
    await using kv = await connect(`etcd+unix://${encodeURI(path)}`, { syncIntervalMs: 60_000 });
    await kv.put('a', '1');
    const watch = kv.watch({ prefix: '' }, { from: 1 });
    const events = watch[Symbol.asyncIterator]();
    expect((await events.next()).value).toMatchObject({ key: 'a', value: '1' });
    await served.value.withhold();
    await served.value.serve();
    await kv.put('b', '2');
    expect((await events.next()).value).toMatchObject({ key: 'b', value: '2' });
    expect((await kv.get('b'))?.value).toBe('2');
  },
);
