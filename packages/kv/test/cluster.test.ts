/** KCL1, KCL2, decisions/0042: the name of a cluster in the place of a store. On real etcds: tools/conformance. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, expectTypeOf, test } from 'vitest';
import { isClusterName, json, memory, open, type EmbeddedKv, type Kv } from '../src/index.ts';
import { failure } from './helpers.ts';

/** What opening says where this package is hidden. */
function withoutPackage(name: string): { code?: string; message?: string; cause?: string } {
  const program = fileURLToPath(new URL('cluster-child.mjs', import.meta.url));
  return JSON.parse(execFileSync(process.execPath, [program, name], { encoding: 'utf8' })) as object;
}

test('KCL1: where @varve/etcd is not installed, the error says what to install', () => {
  const said = withoutPackage('@varve/etcd');
  expect(said.code).toBe('KV_UNAVAILABLE');
  expect(said.message).toContain('npm install @varve/etcd');
  expect(said.cause).toBe('ERR_MODULE_NOT_FOUND');
});

test('KCL1: whatever else fails while it is loaded is told as it is', () => {
  const said = withoutPackage('@grpc/grpc-js');
  expect(said.code).toBe('ERR_MODULE_NOT_FOUND');
  expect(said.message).toMatch(/^Cannot find package '@grpc\/grpc-js'/);
});

test('a cluster that is not there is KV_UNAVAILABLE; wrong names and options are KV_INVALID', async () => {
  expect(await failure(() => open('etcd://127.0.0.1:1', { timeoutMs: 50 }))).toMatchObject({ code: 'KV_UNAVAILABLE' });
  expect(await failure(() => open('etcd://', {}))).toMatchObject({ code: 'KV_INVALID' });
  expect(await failure(() => open('etcd://a', { create: true } as object))).toMatchObject({ code: 'KV_INVALID' });
  expect(await failure(() => open('https://a' as string))).toMatchObject({ code: 'KV_INVALID' });
});

test('KCL2: a cluster is a Kv, a store in this process an EmbeddedKv', () => {
  const calls = () =>
    [
      open('etcd+unix:///a'),
      open('etcds://a', { value: json<{ n: number }>() }),
      open(memory()),
      open('./data'),
    ] as const;
  expectTypeOf(calls).returns.toEqualTypeOf<
    readonly [Promise<Kv>, Promise<Kv<string, { n: number }>>, Promise<EmbeddedKv>, Promise<EmbeddedKv>]
  >();
});

test('KCL2: a name from a setting is asked which of the two it is', () => {
  const either = (name: string) => (isClusterName(name) ? ([open(name)] as const) : open(name));
  expectTypeOf(either).returns.toEqualTypeOf<readonly [Promise<Kv>] | Promise<EmbeddedKv>>();
  const names = ['etcd://a', 'ETCDS://a:1,b', 'etcd+unix:///a', 'etcd+unixs:///a', './etcd', 'etcd:a', 'unix:///a', 7];
  expect(names.filter(isClusterName)).toEqual(names.slice(0, 4));
});
