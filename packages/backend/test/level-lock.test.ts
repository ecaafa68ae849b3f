/** XA2, XD: who has a LevelDB store, beyond what LevelDB's own lock can tell. */
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { LOCK_FOLDER } from '../src/engines/level/opening/hold.ts';
import { child, create, killed, linesOf, open, put, rawHolder, temporaryPath, text } from './level-support.ts';

const canMount = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;

async function made(): Promise<string> {
  const path = temporaryPath();
  const engine = await open(path);
  await engine.commit([create(), put('a', '1')]);
  await engine.close();
  return path;
}

async function told(path: string): Promise<string> {
  return open(path).then(
    () => 'it has it',
    (error: { code: string; message: string }) => `${error.code} ${error.message}`,
  );
}

test('XA2: a thread that asks for a store which its process has open is refused, and costs the process nothing', async () => {
  const path = await made();
  const holder = spawn(process.execPath, [join(import.meta.dirname, 'level-thread-child.mjs'), path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void holder.kill('SIGKILL'));
  const who = `${path} is open already, in`;
  expect((await linesOf(holder).next()).value).toContain(`BACKEND_LOCKED ${who} this process (${holder.pid})`);
  expect(await told(path)).toContain(`BACKEND_LOCKED ${who} process ${holder.pid}`);
  await killed(holder);
  expect(text(await open(path), 'a')).toBe('1');
});

test('XA2: nor does a thread get it that sees the store under another name', async () => {
  const path = await made();
  const renamed = `${path}-renamed`;
  const engine = await open(path);
  fs.renameSync(path, renamed);
  const thread = new Worker(new URL('./level-thread-child.mjs', import.meta.url), {
    workerData: renamed,
    stdout: true,
  });
  let said = '';
  for await (const piece of thread.stdout) said += String(piece);
  expect(said).toContain(`BACKEND_LOCKED ${renamed} is open already, in this process (${process.pid})`);
  expect(await told(renamed)).toContain('BACKEND_LOCKED');
  fs.renameSync(renamed, path);
  await engine.commit([put('a', '2')]);
  await engine.close();
  expect(text(await open(path), 'a')).toBe('2');
});

test('XA2: the lock lies beside the store, and goes with it; a copy of an open store is files and nothing else', async () => {
  const path = await made();
  const engine = await open(path);
  expect(fs.readdirSync(dirname(path)).toSorted()).toEqual([basename(path), `${basename(path)}.lock`]);
  fs.cpSync(path, `${path}-copy`, { recursive: true });
  expect(text(await open(`${path}-copy`), 'a')).toBe('1');
  await engine.close();
  expect(fs.readdirSync(dirname(path))).not.toContain(`${basename(path)}.lock`);
});

test.skipIf(!canMount)(
  'XA2: a store that is mounted by itself has its lock inside (left out without root)',
  async () => {
    const path = await made();
    const mounted = join(dirname(path), 'mounted');
    fs.mkdirSync(mounted);
    expect(spawnSync('mount', ['-t', 'tmpfs', 'none', mounted]).status).toBe(0);
    onTestFinished(() => void spawnSync('umount', ['--lazy', mounted]));
    fs.cpSync(path, mounted, { recursive: true });
    const holder = child('hold', mounted);
    expect((await linesOf(holder).next()).value).toBe('held');
    expect(fs.readdirSync(mounted)).toContain(LOCK_FOLDER);
    expect(fs.existsSync(`${mounted}.lock`)).toBe(false);
    expect(await told(mounted)).toContain(`open already, in process ${holder.pid}`);
    await killed(holder);
    const engine = await open(mounted);
    expect(text(engine, 'a')).toBe('1');
    await engine.close();
    expect(fs.readdirSync(mounted)).not.toContain(LOCK_FOLDER);
  },
);

test("XA2: LevelDB's own lock decides where the common one cannot be seen", async () => {
  const path = await made();
  await rawHolder(path);
  expect(await told(path)).toContain('BACKEND_LOCKED');
  expect(fs.existsSync(`${path}.lock`)).toBe(false);
});

test('XE1: what lies where the lock belongs is left as it is; the lock goes inside', async () => {
  const path = await made();
  const aim = `${path}-aim`;
  fs.mkdirSync(aim);
  fs.symlinkSync(aim, `${path}.lock`);
  const engine = await open(path);
  expect(fs.readdirSync(aim)).toEqual([]);
  expect(fs.readdirSync(path)).toContain(LOCK_FOLDER);
  expect(await told(path)).toContain(`open already, in this process (${process.pid})`);
  await engine.close();
  expect(fs.lstatSync(`${path}.lock`).isSymbolicLink()).toBe(true);
});
