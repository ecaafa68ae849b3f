import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { file, memory, open, type BackupProgress, type EmbeddedKv } from '../src/index.ts';
import { failure, temporaryFolder } from './helpers.ts';

async function filled(): Promise<EmbeddedKv> {
  const kv = await open(memory());
  await kv.write((section) => {
    for (let i = 0; i < 2000; i++) section.put(`key/${i}`, 'value '.repeat(20));
  });
  await kv.put('key/1', 'changed');
  return kv;
}

test('R50: a backup is whole: a BoltDB file and the SHA-256 of it, as etcd writes them', async () => {
  await using kv = await filled();
  const path = temporaryFolder('backup.db');
  const progress: BackupProgress[] = [];
  const result = await kv.backup(path, { onProgress: (step) => progress.push(step) });
  const file = readFileSync(path);
  expect(result).toEqual({ path, size: file.length });
  expect(file.subarray(-32)).toEqual(createHash('sha256').update(file.subarray(0, -32)).digest());
  expect((file.length - 32) % 512).toBe(0);
  // The magic number of a BoltDB meta page, after the page's header.
  expect(file.readUInt32LE(16)).toBe(0xed0cdaed);
  expect(progress.at(-1)).toEqual({ writtenBytes: file.length, totalBytes: file.length });
  expect(readdirSync(dirname(path))).toEqual(['backup.db']);
  expect(kv.stats().openReads).toBe(0);
});

test('law 6: a backup opens as a store with the same history', async () => {
  await using kv = await filled();
  const path = temporaryFolder('backup.db');
  await kv.backup(path);
  await using copy = await open(file(path));
  expect(await copy.hashByRev()).toEqual(await kv.hashByRev());
  expect((await copy.at(2).get('key/1'))?.value).toMatch(/^value/);
  expect((await copy.get('key/1'))?.value).toBe('changed');
});

test('R50: a target that exists is left as it is, and known before anything is written', async () => {
  await using kv = await filled();
  const path = temporaryFolder('backup.db');
  writeFileSync(path, 'precious');
  const progress: BackupProgress[] = [];
  const backup = () => kv.backup(path, { onProgress: (step) => progress.push(step) });
  expect(await failure(backup)).toMatchObject({ code: 'KV_EXISTS', path });
  expect(progress).toEqual([]);
  expect(readFileSync(path, 'utf8')).toBe('precious');
  expect(readdirSync(dirname(path))).toEqual(['backup.db']);
});

test('R50: a target that appears meanwhile is left as it is, too', async () => {
  await using kv = await filled();
  const path = temporaryFolder('backup.db');
  const onProgress = () => writeFileSync(path, 'precious');
  expect(await failure(() => kv.backup(path, { onProgress }))).toMatchObject({ code: 'KV_EXISTS', path });
  expect(readFileSync(path, 'utf8')).toBe('precious');
  expect(readdirSync(dirname(path))).toEqual(['backup.db']);
});

test("R50: what a process of the same number left behind is nobody's business", async () => {
  await using kv = await filled();
  const path = temporaryFolder('backup.db');
  // Where every process is number 1, as in containers, names made of it come again.
  for (let i = 0; i < 20; i++) writeFileSync(`${path}.${process.pid}-${i}.partial`, 'stale');
  expect((await kv.backup(path)).path).toBe(path);
  expect(readdirSync(dirname(path))).toHaveLength(21);
});

test('R50, R124: whatever ends it early, the target is absent and nothing is left behind', async () => {
  await using kv = await filled();
  const path = temporaryFolder('backup.db');
  const reason = new Error('enough');
  const controller = new AbortController();
  const onProgress = () => controller.abort(reason);
  expect(await failure(() => kv.backup(path, { onProgress, signal: controller.signal }))).toBe(reason);
  const mine = new Error('mine');
  const throwing = () => {
    throw mine;
  };
  expect(await failure(() => kv.backup(path, { onProgress: throwing }))).toBe(mine);
  expect(await failure(() => kv.backup(`${path}/in/no/folder`))).toMatchObject({ code: 'KV_BACKUP' });
  expect(existsSync(path)).toBe(false);
  expect(readdirSync(dirname(path))).toEqual([]);
  expect(kv.stats().openReads).toBe(0);
});

const isRoot = process.geteuid?.() === 0;
const nobody = 65_534;

test('XC, R50: in a folder that may not be listed a backup is refused, and there is no target', async () => {
  await using kv = await filled();
  const path = temporaryFolder('backup.db');
  if (isRoot) chownSync(dirname(path), nobody, nobody);
  chmodSync(dirname(path), 0o300);
  if (isRoot) process.seteuid?.(nobody); // root may list everything
  const error = await failure(() => kv.backup(path)).finally(() => isRoot && process.seteuid?.(0));
  chmodSync(dirname(path), 0o700);
  expect(error).toMatchObject({ code: 'KV_BACKUP' });
  expect(readdirSync(dirname(path))).toEqual([]);
});

/** A program that makes a backup, with one system call failing. */
function withFault(fault: string, path: string): { readonly said: string; readonly names: readonly string[] } {
  const program = `
    import { memory, open } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
    const kv = await open(memory());
    await kv.put('a', 'b');
    console.log(await kv.backup(${JSON.stringify(path)}).then(() => 'written', ({ code }) => code));
    await kv.close();`;
  const node = [process.execPath, '--input-type=module', '--eval', program];
  const { stdout } = spawnSync('strace', ['-f', '-qq', '-o', '/dev/null', ...fault.split(' '), ...node], {
    encoding: 'utf8',
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' }, // strace counts the calls of each thread apart
  });
  return { said: stdout.trim(), names: readdirSync(dirname(path)) };
}

const hasStrace = spawnSync('strace', ['-V']).status === 0;
if (!hasStrace) console.log('left out, for want of strace: backups with system calls that fail');

test.skipIf(!hasStrace)('XC3: a backup works on a file system without hard links, and replaces nothing there', () => {
  const path = temporaryFolder('backup.db');
  const fault = '-e trace=link,linkat -e inject=link,linkat:error=EPERM';
  expect(withFault(fault, path)).toEqual({ said: 'written', names: ['backup.db'] });
  const bytes = readFileSync(path);
  expect(withFault(fault, path)).toEqual({ said: 'KV_EXISTS', names: ['backup.db'] });
  expect(readFileSync(path)).toEqual(bytes);
});

test.skipIf(!hasStrace)('R50: a name that could not be made durable is taken back', () => {
  const path = temporaryFolder('backup.db');
  // The first is the file, the second the folder.
  const fault = '-e trace=fsync -e inject=fsync:error=EIO:when=2';
  expect(withFault(fault, path)).toEqual({ said: 'KV_BACKUP', names: [] });
});

test('a snapshot streams the same file, without the hash', async () => {
  await using kv = await filled();
  const path = temporaryFolder('backup.db');
  await using snapshot = await kv.snapshot();
  const chunks: Uint8Array[] = [];
  for await (const chunk of snapshot) chunks.push(new Uint8Array(chunk));
  await kv.backup(path);
  const streamed = Buffer.concat(chunks);
  expect(streamed).toHaveLength(snapshot.size);
  expect(streamed.readUInt32LE(16)).toBe(0xed0cdaed);
});
