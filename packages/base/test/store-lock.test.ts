/** A2, A6, D, E1: one holder a store on one machine, with nothing installed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { createServer } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { findHolder, lockFolderBeside, takeStoreLock } from '../src/node/store-lock.ts';
import { child, firstLine, killed, left, requestFor, storePath, take } from './support.ts';

const isolated = ['unshare', '--pid', '--net', '--mount', '--fork', '--kill-child', '--mount-proc'];
const canIsolate = spawnSync('unshare', [...isolated.slice(1), 'true']).status === 0;

async function mustHold(path: string): Promise<() => void> {
  const answer = await take(path);
  if (answer.kind !== 'held') throw new Error(JSON.stringify(answer));
  return () => answer.lock.release();
}

describe('one holder', () => {
  test('XA2: taken, refused to the same process, given back twice, nothing left', async () => {
    const path = storePath();
    const release = await mustHold(path);
    expect(await take(path)).toEqual({ kind: 'busy', holder: `this process (${process.pid})` });
    expect(await findHolder(requestFor(path))).toEqual({ kind: 'busy', holder: `this process (${process.pid})` });
    release();
    release();
    expect(left(path)).toEqual([]);
    expect(await findHolder(requestFor(path))).toBe(undefined);
    expect(left(path)).toEqual([]);
    (await mustHold(path))();
  });

  test('XA2: refused to another thread of the same process', async () => {
    expect(await firstLine(child(['thread', storePath()]))).toMatch(/^held, then busy this process \(\d+\)$/);
  });

  test('XA2, XD: another process has it, also while it is stopped; its death ends that at once; the answer names it', async () => {
    const path = storePath();
    const holder = child(['hold', path]);
    expect(await firstLine(holder)).toBe('held ');
    const busy = { kind: 'busy', holder: `process ${holder.pid}` };
    expect(await take(path)).toEqual(busy);
    holder.kill('SIGSTOP');
    expect(await take(path)).toEqual(busy);
    expect(await findHolder(requestFor(path))).toEqual(busy);
    await killed(holder);
    expect(left(path)).toHaveLength(3);
    const release = await mustHold(path);
    expect(left(path)).toHaveLength(3); // what the dead one left is gone
    release();
    expect(left(path)).toEqual([]);
  });

  test('XA2: a stopped process with more callers than it can answer is alive', async () => {
    const path = storePath();
    const holder = child(['hold', path]);
    await firstLine(holder);
    holder.kill('SIGSTOP');
    for (let i = 0; i < 600; i++) expect((await findHolder(requestFor(path)))?.kind).toBe('busy');
    expect((await take(path)).kind).toBe('busy');
    await killed(holder);
    (await mustHold(path))();
  });

  test('XA2: fifty processes at once: one has it', async () => {
    const path = storePath();
    const children = Array.from({ length: 50 }, () => child(['hold', path]));
    const lines = await Promise.all(children.map(firstLine));
    expect(lines.filter((line) => line === 'held ')).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith('busy process '))).toHaveLength(49);
  });

  test('XA2: sixteen that take and give back as fast as they can, the folder coming and going: never two, all get their turn', async () => {
    const path = storePath();
    let holders = 0;
    const turns = Array.from({ length: 16 }, () => 0);
    const contend = async (index: number): Promise<void> => {
      while (turns[index]! < 10) {
        const answer = await take(path);
        if (answer.kind === 'busy') continue;
        expect(answer.kind).toBe('held');
        expect(++holders).toBe(1);
        await new Promise(setImmediate);
        holders--;
        turns[index]! += 1;
        if (answer.kind === 'held') answer.lock.release();
      }
    };
    await Promise.all(turns.map((_, index) => contend(index)));
    expect(left(path)).toEqual([]);
  });

  test('XA2: a folder that goes while somebody comes is no place where nothing can be made', async () => {
    // Who takes it for one holds by flock(2) alone, and is not seen by who has none.
    const path = storePath();
    const lines = await Promise.all(Array.from({ length: 4 }, () => firstLine(child(['churn', path, '300']))));
    expect(lines).toEqual(['{}', '{}', '{}', '{}']);
    expect(left(path)).toEqual([]);
  });

  test('XA2: a folder that is being removed, and still has its name, is no place where nothing can be made', async () => {
    const path = storePath();
    const taker = child(['fade', path]);
    const ended = once(taker, 'exit');
    expect(await firstLine(taker)).toBe('held ');
    await ended;
    expect(left(path)).toEqual([]);
  });

  test('XA2: killed before each single call of taking and giving back: the next one has it at once, and nothing stays', async () => {
    const path = storePath();
    let points = 0;
    for (; ; points++) {
      const taker = child(['die', path, String(points + 1)]);
      const ended = once(taker, 'exit');
      const line = await firstLine(taker);
      await ended;
      const lists = vi.spyOn(fs, 'readdirSync');
      (await mustHold(path))();
      expect(lists.mock.calls.length).toBe(3); // before it shows itself, after that, and to sweep: nobody was waited for
      lists.mockRestore();
      expect(left(path), `killed before call ${points + 1}`).toEqual([]);
      if (line === 'whole') break;
    }
    expect(points).toBeGreaterThan(10);
  });

  test('XA2: what is held side by side under one name does not disturb each other, and is swept together', async () => {
    const path = storePath();
    const first = await take(path, 1n);
    const second = await take(path, 2n);
    expect([first.kind, second.kind]).toEqual(['held', 'held']);
    expect((await take(path, 1n)).kind).toBe('busy');
    expect((await take(path, 2n)).kind).toBe('busy');
    if (first.kind === 'held') first.lock.release();
    expect((await take(path, 2n)).kind).toBe('busy');
    if (second.kind === 'held') second.lock.release();
    expect(left(path)).toEqual([]);
  });

  test('XA2: a contender that stands still before it has won lets nobody in, and its death does', async () => {
    const path = storePath();
    const folder = lockFolderBeside(path);
    fs.mkdirSync(folder);
    const contender = createServer().listen(join(folder, 'at-7-0000000000000000-1-1'));
    onTestFinished(() => void contender.close());
    expect(await take(path)).toMatchObject({ kind: 'busy', holder: expect.stringMatching(/^process 1\b/) as string });
    expect((await findHolder(requestFor(path)))?.kind).toBe('busy');
    await new Promise((closed) => contender.close(closed));
    (await mustHold(path))();
  });

  test('XA2: an abort ends a contest', async () => {
    const path = storePath();
    const folder = lockFolderBeside(path);
    fs.mkdirSync(folder);
    const contender = createServer().listen(join(folder, 'at-7-0000000000000000-1-1'));
    onTestFinished(() => void contender.close());
    const controller = new AbortController();
    const waiting = takeStoreLock({ ...requestFor(path), signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  if (canIsolate) {
    test('XA2: across PID, network and mount namespaces, both ways', async () => {
      const path = storePath();
      const holder = child(['hold', path], isolated);
      expect(await firstLine(holder)).toBe('held ');
      expect(await take(path)).toEqual({
        kind: 'busy',
        holder: 'process 1 of another container (PID namespace)',
      });
      expect(await firstLine(child(['hold', path], isolated))).toMatch(/^busy process 1 of another container/);
      await killed(holder);
      const gone = await vanished(path);
      expect(await firstLine(child(['hold', path], isolated))).toMatch(/^busy process \d+ of another container/);
      gone();
    });
  } else {
    test('XA2: no root or no unshare(1) here: isolation was not tested', () => {
      expect(canIsolate).toBe(false);
    });
  }
});

/** Killing `unshare` kills what it started a moment later. */
async function vanished(path: string): Promise<() => void> {
  for (const end = performance.now() + 60_000; performance.now() < end;) {
    const answer = await take(path);
    if (answer.kind === 'held') return () => answer.lock.release();
    await new Promise(setImmediate);
  }
  throw new Error('the isolated process did not end');
}

describe('where they meet', () => {
  test.each([
    ['a path longer than a socket’s', ['d'.repeat(100), 'e'.repeat(100)], 'store'],
    ['a name of 255 bytes', [], 'ü'.repeat(127) + 'x'],
    ['a name of 251 bytes', [], 'x'.repeat(251)],
    ['a name that asks for trouble', [], ' -rf %s\n"'],
  ])('XA2: %s', async (_, folders, name) => {
    const path = join(dirname(storePath()), ...folders, name);
    fs.mkdirSync(dirname(path), { recursive: true });
    const release = await mustHold(path);
    expect(Buffer.byteLength(basename(lockFolderBeside(path)))).toBeLessThanOrEqual(255);
    expect((await take(path)).kind).toBe('busy');
    expect(await firstLine(child(['hold', path]))).toBe(`busy process ${process.pid}`);
    release();
    expect(left(path)).toEqual([]);
  });

  test.each([
    ['a link', (name: string, aim: string) => fs.symlinkSync(aim, name)],
    ['a link to nothing', (name: string) => fs.symlinkSync(`${name}-nowhere`, name)],
    ['a pipe', (name: string) => void execFileSync('mkfifo', [name])],
    ['a socket', (name: string) => void createServer().listen(name).unref()],
    ['a file', (name: string) => fs.writeFileSync(name, 'precious')],
  ])('XE1: %s in its place is left as it is and not followed', async (what, make) => {
    const path = storePath();
    const aim = storePath('aim');
    fs.mkdirSync(aim);
    make(lockFolderBeside(path), aim);
    const before = fs.lstatSync(lockFolderBeside(path));
    const answer = await take(path);
    expect(answer).toMatchObject({ kind: 'foreign', what: what === 'a file' ? 'file' : 'other' });
    if (answer.kind === 'foreign') expect(answer.reason).toMatch(/\.lock is a (link|pipe|socket|file), not a folder$/);
    expect((await findHolder(requestFor(path)))?.kind).toBe('foreign');
    expect(fs.readdirSync(aim)).toEqual([]);
    const after = fs.lstatSync(lockFolderBeside(path));
    expect([after.ino, after.mtimeMs, after.mode]).toEqual([before.ino, before.mtimeMs, before.mode]);
  });

  test('XE1: what else lies in the folder is not called, not read and not removed', async () => {
    const path = storePath();
    const folder = lockFolderBeside(path);
    fs.mkdirSync(folder);
    const called: string[] = [];
    const victim = createServer(() => called.push('victim')).listen(storePath('victim'));
    onTestFinished(() => void victim.close());
    fs.symlinkSync(victim.address() as string, join(folder, 'at-7-0000000000000000-1-1'));
    execFileSync('mkfifo', [join(folder, 'at-7-0000000000000001-1-1')]);
    fs.writeFileSync(join(folder, 'at-7-0000000000000002-1-1'), 'x');
    fs.writeFileSync(join(folder, 'notes.txt'), 'x');
    const before = left(path);
    (await mustHold(path))();
    expect(left(path)).toEqual(before);
    expect(called).toEqual([]);
  });

  test('XA2: where nothing can be made that is said, and a holder who is there is still seen', async () => {
    const path = storePath();
    if (process.geteuid?.() !== 0) return expect(process.geteuid?.()).not.toBe(0);
    fs.chmodSync(dirname(path), 0o755);
    const rights = { uid: 65534, gid: 65534, mode: 0o644 };
    const asNobody = async <T>(work: () => Promise<T>): Promise<T> => {
      process.seteuid?.(65534);
      try {
        return await work();
      } finally {
        process.seteuid?.(0);
      }
    };
    const request = { ...requestFor(path), rights };
    expect(await asNobody(() => takeStoreLock(request))).toMatchObject({
      kind: 'impossible',
      reason: expect.stringMatching(/cannot be made \(EACCES\)/) as string,
    });
    const answer = await takeStoreLock(request);
    expect(answer.kind).toBe('held');
    expect((await asNobody(() => takeStoreLock(request))).kind).toBe('busy');
    if (answer.kind === 'held') answer.lock.release();
    expect(left(path)).toEqual([]);
    fs.mkdirSync(request.folder, { mode: 0o755 }); // of root: others may look, and make nothing in it
    expect(await asNobody(() => takeStoreLock({ ...request, rights: { ...rights, uid: 0 } }))).toMatchObject({
      kind: 'impossible',
      reason: expect.stringMatching(/a socket cannot be made in .* \(EACCES\)/) as string,
    });
    expect(fs.readdirSync(request.folder)).toEqual([]);
  });

  test('XA2: who may not ask takes it for held, and says so', async () => {
    const path = storePath();
    if (process.geteuid?.() !== 0) return expect(process.geteuid?.()).not.toBe(0);
    fs.chmodSync(dirname(path), 0o777);
    const release = await mustHold(path); // of root, for root alone
    process.seteuid?.(65534);
    try {
      expect(await findHolder(requestFor(path))).toMatchObject({ holder: expect.stringMatching(/EACCES/) as string });
      expect(await take(path)).toMatchObject({ kind: 'busy', holder: expect.stringMatching(/EACCES/) as string });
    } finally {
      process.seteuid?.(0);
    }
    release();
  });
});
