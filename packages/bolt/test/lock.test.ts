import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import fs, {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { openBolt } from '../src/index.ts';
import type { FileLock } from '../src/file-lock.ts';
import { takeLockFile } from '../src/lock-file.ts';
import { Scratch, vectorBytes } from './vectors.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

const DIST = path.resolve(import.meta.dirname, '../dist/index.js');
const hasFlock = spawnSync('flock', ['--version']).status === 0;

/** Another process that holds the file until it is killed. */
async function holder(
  file: string,
  readOnly: boolean,
): Promise<{ kill: (signal: NodeJS.Signals) => Promise<void>; pid: number }> {
  const program = `import(${JSON.stringify(DIST)}).then(async ({ openBolt }) => {
    await openBolt(${JSON.stringify(file)}, { readOnly: ${readOnly} });
    console.log('held');
    setInterval(() => {}, 1e6);
  });`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  };
  return { kill, pid: child.pid as number };
}

const suite = (): void => {
  test('within one process, under any name', async () => {
    const file = scratch.file();
    await using bolt = await openBolt(file);
    expect(bolt.readOnly).toBe(false);
    const link = `${file}.link`;
    symlinkSync(file, link);
    for (const name of [file, link, path.relative(process.cwd(), file)]) {
      await expect(openBolt(name)).rejects.toMatchObject({ code: 'BOLT_LOCKED' });
      await expect(openBolt(name, { readOnly: true })).rejects.toMatchObject({ code: 'BOLT_LOCKED' });
    }
  });

  test('readers share, writers wait; closing lets the next one in', async () => {
    const file = scratch.file();
    await (await openBolt(file)).close();
    await using one = await openBolt(file, { readOnly: true });
    await using two = await openBolt(file, { readOnly: true });
    expect([one.txid, two.txid]).toEqual([1, 1]);
    await expect(openBolt(file)).rejects.toMatchObject({ code: 'BOLT_LOCKED' });
    const waiting = openBolt(file, { lockTimeoutMs: 10_000 });
    await Promise.all([one.close(), two.close()]);
    await (await waiting).close();
  });

  test('F98 R40 R41 a holder that is stopped keeps it, one that is killed does not', async () => {
    const file = scratch.file();
    const other = await holder(file, false);
    process.kill(other.pid, 'SIGSTOP');
    await expect(openBolt(file, { lockTimeoutMs: 120 })).rejects.toMatchObject({ code: 'BOLT_LOCKED' });
    const controller = new AbortController();
    const waiting = openBolt(file, { lockTimeoutMs: 60_000, signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await other.kill('SIGKILL');
    await (await openBolt(file)).close();
  });

  test('R42 eight openers of a file that does not exist: one succeeds', async () => {
    const file = scratch.file();
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => openBolt(file)));
    const won = results.filter((result) => result.status === 'fulfilled');
    expect(won).toHaveLength(1);
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'BOLT_LOCKED' });
    await won[0]?.value.write((tx) => tx.createBucket('mine'));
    await won[0]?.value.close();
    await using again = await openBolt(file);
    using tx = again.read();
    expect(tx.bucket('mine')).toBeDefined();
  });

  test('a defragmented file is still locked', async () => {
    const file = scratch.file();
    await using bolt = await openBolt(file);
    await bolt.defragment();
    await expect(openBolt(file)).rejects.toMatchObject({ code: 'BOLT_LOCKED' });
  });
};

if (hasFlock) describe('F97 R39 to R42 R59 one process a file', suite);
else {
  test('flock(1) is not installed: the kernel’s lock was not tested', () => {
    expect(hasFlock).toBe(false);
  });
}

describe('the lock file that stands in for flock', () => {
  const stale = ['', 'nonsense', '999999999 1\n', `${process.pid} 1\n`, `${process.pid} 1 name\n`];

  test('R41 held, stale, released', () => {
    const file = scratch.file();
    const name = `${file}.lock`;
    const lock = takeLockFile(file, randomUUID);
    expect(lock).toBeDefined();
    expect(takeLockFile(file, randomUUID)).toBe(undefined);
    lock?.release();
    expect(existsSync(name)).toBe(false);
    for (const text of stale) {
      writeFileSync(name, text);
      const taken = takeLockFile(file, randomUUID);
      expect(taken, text).toBeDefined();
      expect(takeLockFile(file, randomUUID), text).toBe(undefined);
      taken?.release();
    }
    expect(readdirSync(scratch.folder).filter((found) => found.startsWith(`${path.basename(file)}.`))).toEqual([]);
  });

  test.each(stale)(
    'R42 two that find the dead holder %j: one takes over, wherever the other comes in between',
    (text) => {
      const calls = ['readFileSync', 'linkSync', 'renameSync', 'rmSync', 'writeFileSync'] as const;
      let met = 0;
      for (const call of calls) {
        for (const when of ['before', 'after']) {
          for (let nth = 1; ; nth++) {
            const file = scratch.file();
            writeFileSync(`${file}.lock`, text);
            let rival: FileLock | undefined;
            let count = 0;
            const real = fs[call] as (...args: unknown[]) => unknown;
            const between = vi.spyOn(fs, call).mockImplementation((...args: unknown[]): unknown => {
              const isNow = ++count === nth;
              if (isNow && when === 'before') rival = takeLockFile(file, randomUUID);
              try {
                return real(...args);
              } finally {
                if (isNow && when === 'after') rival = takeLockFile(file, randomUUID);
              }
            });
            const lock = takeLockFile(file, randomUUID);
            between.mockRestore();
            if (count < nth) break;
            met++;
            expect(
              [lock, rival].filter((won) => won !== undefined),
              `${when} ${call} ${nth}`,
            ).toHaveLength(1);
            expect(takeLockFile(file, randomUUID)).toBe(undefined);
          }
        }
      }
      expect(met).toBeGreaterThan(12);
    },
  );

  test('R41 one that died while it took over is taken over as well', () => {
    const file = scratch.file();
    writeFileSync(`${file}.lock`, '999999999 1 first\n');
    const claims: string[] = [];
    const died = vi.spyOn(fs, 'renameSync').mockImplementation((_, to) => {
      claims.push(...readdirSync(scratch.folder).filter((name) => name.includes('.varve-')));
      throw new Error(`died before ${String(to)}`);
    });
    const kept = vi.spyOn(fs, 'rmSync').mockImplementation(() => undefined);
    expect(() => takeLockFile(file, randomUUID)).toThrow('died');
    died.mockRestore();
    kept.mockRestore();
    for (const claim of claims) writeFileSync(path.join(scratch.folder, claim), '999999999 1 second\n');
    expect(takeLockFile(file, randomUUID)).toBeDefined();
    expect(takeLockFile(file, randomUUID)).toBe(undefined);
  });
});

test('R41 R59 without flock(1) a reader is kept out by a holder that lives, by no other, and leaves nothing', async () => {
  const file = scratch.file();
  await (await openBolt(file)).close();
  vi.stubEnv('PATH', scratch.folder);
  try {
    await using writer = await openBolt(file);
    const before = readFileSync(`${file}.lock`, 'utf8');
    await expect(openBolt(file, { readOnly: true })).rejects.toMatchObject({ code: 'BOLT_LOCKED' });
    expect(readFileSync(`${file}.lock`, 'utf8')).toBe(before);
    await writer.close();
    writeFileSync(`${file}.lock`, '999999999 1 dead\n');
    await using one = await openBolt(file, { readOnly: true });
    await using two = await openBolt(file, { readOnly: true });
    expect([one.txid, two.txid]).toEqual([1, 1]);
    expect(readFileSync(`${file}.lock`, 'utf8')).toBe('999999999 1 dead\n');
  } finally {
    vi.unstubAllEnvs();
  }
});

test('R43 an empty file that becomes a store is told of, once', async () => {
  const file = scratch.file();
  writeFileSync(file, '');
  const bolt = await openBolt(file);
  expect(bolt.warnings).toEqual([expect.objectContaining({ message: expect.stringMatching(/was empty/) as unknown })]);
  await bolt.close();
  await using again = await openBolt(file);
  expect(again.warnings).toEqual([]);
});

describe('R35 to R38 what cannot be opened is left as it is', () => {
  test.each([
    ['a folder', (name: string) => mkdirSync(name), 'BOLT_INVALID'],
    [
      'text',
      (name: string) => writeFileSync(name, 'some text, long enough for a meta page '.repeat(500)),
      'BOLT_INVALID',
    ],
    ['zeros', (name: string) => writeFileSync(name, Buffer.alloc(20_000)), 'BOLT_INVALID'],
    [
      'another version',
      (name: string) => writeFileSync(name, vectorBytes('damaged/meta-both-version')),
      'BOLT_VERSION',
    ],
    ['a dangling link', (name: string) => symlinkSync(`${name}-nowhere/x`, name), 'BOLT_'],
  ])('%s', async (_, make, code) => {
    const name = scratch.file();
    make(name);
    const before = statSync(name, { throwIfNoEntry: false })?.isFile() === true ? readFileSync(name) : undefined;
    await expect(openBolt(name)).rejects.toMatchObject({ code: expect.stringContaining(code) as string });
    if (before !== undefined) expect(readFileSync(name).equals(before)).toBe(true);
  });

  test('a path that is missing', async () => {
    await expect(openBolt(scratch.file(), { create: false })).rejects.toMatchObject({ code: 'BOLT_NOT_FOUND' });
    await expect(openBolt(scratch.file(), { readOnly: true })).rejects.toMatchObject({ code: 'BOLT_NOT_FOUND' });
    await expect(openBolt(path.join(scratch.folder, 'no', 'folder.db'))).rejects.toMatchObject({
      code: 'BOLT_NOT_FOUND',
    });
  });

  test('R3 wrong options', async () => {
    await expect(openBolt('')).rejects.toThrow(TypeError);
    const none = openBolt(scratch.file(), null as unknown as object);
    await expect(none).rejects.toThrow(new TypeError('options must be an object'));
    await expect(openBolt(scratch.file(), { pageSize: 1000 })).rejects.toThrow(RangeError);
    await expect(openBolt(scratch.file(), { cacheBytes: -1 })).rejects.toThrow(RangeError);
  });

  test('R126 a new file is for its owner alone', async () => {
    const file = scratch.file();
    await (await openBolt(file)).close();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    chmodSync(file, 0o400);
    await (await openBolt(file, { readOnly: true })).close();
  });
});
