/** The gateway against what a real etcd answered: recordings of one, one that runs beside it, and clients that were written for one. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { StandingClock } from '@varve/base/node/standing-clock';
import { expect, onTestFinished, test } from 'vitest';
import { gatewayCases } from '../lib/gateway/cases.mjs';
import { GatewayClient } from '../lib/gateway/client.mjs';
import { fingerprint, meant, telling, type Telling } from '../lib/gateway/compare.mjs';
import { send } from '../lib/gateway/http.mjs';
import { differential } from '../lib/grpc/differential.mjs';
import { hasProgram, startEtcd } from '../lib/grpc/etcd.mjs';
import { serve, serveStore } from './support/serve.ts';

interface Recording {
  readonly answers: readonly { readonly name: string; readonly request: string; readonly answer: Telling }[];
}

/** As etcd is by default. */
const asEtcd = { version: '3.4.23', cors: ['*'] };
const isLarge = process.env['VARVE_LARGE'] === '1';

test('C2, C3, C4, C5, C6, C7, C8: requests, usual, odd and hostile, are answered as etcd answered them', async () => {
  const file = fileURLToPath(new URL('../../vectors/gateway/etcd-3.4.23.json.gz', import.meta.url));
  const { answers } = JSON.parse(gunzipSync(readFileSync(file)).toString('utf8')) as Recording;
  const { endpoint } = await serveStore(asEtcd, undefined, { world: new StandingClock().world });
  const differing: string[] = [];
  const differences: unknown[] = [];
  expect(answers.map(({ name }) => name)).toEqual(gatewayCases.map(({ name }) => name));
  for (const [at, request] of gatewayCases.entries()) {
    const { name, request: recorded, answer: want } = answers[at]!;
    expect([name, fingerprint(request)]).toEqual([name, recorded]);
    const got = telling(await send(endpoint, request), endpoint);
    if (JSON.stringify(got) === JSON.stringify(want) || (got.status === 501 && isOther(name))) continue;
    differing.push(name);
    if (!meant.has(name)) differences.push({ name, want, got });
  }
  expect(differences).toEqual([]);
  expect(differing).toEqual([...meant.keys()]);
}, 120_000);

test.skipIf(!hasProgram('etcd'))(
  'C4, C5: random operations in random spellings have the same answers on both, in every field',
  async () => {
    const etcd = await startEtcd();
    onTestFinished(() => etcd.close());
    const size = { seed: isLarge ? Date.now() % 2 ** 31 : 2, ops: isLarge ? 10_000 : 600 };
    const differences: unknown[] = [];
    const { equal, total, failures } = await differential(
      etcd.endpoint,
      await serve(),
      size,
      (one) => differences.push(one),
      (endpoint) => new GatewayClient(endpoint, size.seed),
    );
    expect({ seed: size.seed, differences }).toEqual({ seed: size.seed, differences: [] });
    expect([equal, failures > total / 20]).toEqual([total, true]);
  },
  600_000,
);

const python = '/usr/bin/python3';
const hasEtcd3gw = spawnSync(python, ['-c', 'import etcd3gw'], { stdio: 'ignore' }).status === 0;

test.skipIf(!hasEtcd3gw).each(['/v3/', '/v3beta/'])(
  "C3, C4, C6: Debian's python3-etcd3gw at %s puts, reads, watches, locks, and holds leases",
  async (prefix) => {
    const [host, port] = (await serve({ version: '3.4.23' })).split(':');
    const script = fileURLToPath(new URL('support/etcd3gw_session.py', import.meta.url));
    const { code, out, err } = await program(python, [script, host!, port!, prefix]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(out)).toEqual({
      put: true,
      get: ['bar'],
      none: [],
      prefix: ['a', 'b', 'c'],
      descending: ['c', 'b', 'a'],
      deleted: true,
      txn: true,
      created: [true, false],
      replaced: [true, false],
      leaseIsLarge: true,
      ttl: [true, 60],
      leased: ['foo2', 'foo3'],
      gone: [],
      events: [
        ['watched', 'one', ''],
        ['watched', 'two', ''],
        ['watched', '', 'DELETE'],
      ],
      once: 'again',
      lock: [true, true, false, true],
      version: '3.4.23',
      members: 1,
    });
  },
  120_000,
);

test.skipIf(!hasProgram('curl'))('C6, C7: curl reads a watch as it comes, and its end ends the watch', async () => {
  const endpoint = await serve();
  const url = (path: string): string => `http://${endpoint}/v3/${path}`;
  const curl = spawn('curl', ['-sN', url('watch'), '-d', '{"create_request":{"key":"Zm9v"}}']);
  onTestFinished(() => void curl.kill());
  let out = '';
  curl.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
  await expect.poll(() => out).toContain('"created":true');
  expect((await program('curl', ['-sf', url('kv/put'), '-d', '{"key":"Zm9v","value":"YmFy"}'])).code).toBe(0);
  await expect.poll(() => out).toContain('"value":"YmFy"');
  expect(
    out
      .trimEnd()
      .split('\n')
      .map((line) => Object.keys(JSON.parse(line) as object)),
  ).toEqual([['result'], ['result']]);
});

/** A service that a server may lack. */
function isOther(name: string): boolean {
  return /^(users|locks|elections): /.test(name);
}

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function program(name: string, args: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(name, args);
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (err += chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
}
