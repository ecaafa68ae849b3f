/** One process a file (XA2, XA6, XB6, XD, XE1; F97, F98, R39 to R43, R59), and what cannot be opened. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openBolt } from '../src/index.ts';
import { Scratch, vectorBytes } from './vectors.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

const DIST = path.resolve(import.meta.dirname, '../dist/index.js');
const hasFlock = spawnSync('flock', ['--version']).status === 0;

const isolated = [whereIs('unshare'), '--pid', '--net', '--mount', '--fork', '--kill-child', '--mount-proc'];
const canIsolate = spawnSync('unshare', [...isolated.slice(1), 'true']).status === 0;
const MOUNT = whereIs('mount');
const SHELL = whereIs('sh');
const SLEEP = whereIs('sleep');

/** For use where PATH leads nowhere. */
function whereIs(program: string): string {
  return spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim() || program;
}

/** Another process that holds the file until it is killed; rejects with what it says if it cannot. */
async function holder(
  file: string,
  readOnly: boolean,
  command: readonly string[] = [],
): Promise<{ kill: (signal: NodeJS.Signals) => Promise<void>; pid: number }> {
  const program = `import(${JSON.stringify(DIST)}).then(async ({ openBolt }) => {
    const opened = openBolt(${JSON.stringify(file)}, { readOnly: ${readOnly} });
    await opened.then(() => console.log('held'), (error) => console.log(error.code, error.message));
    process.stdin.resume();
  });`;
  const [first, ...rest] = [...command, process.execPath, '-e', program];
  const child = spawn(first, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGCONT');
    child.kill('SIGKILL');
  });
  const [said = ''] = (await Promise.race([once(child.stdout, 'data'), once(child.stdout, 'end')])) as [Buffer?];
  if (said.toString() !== 'held\n') throw new Error(said.toString().trim());
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  };
  return { kill, pid: child.pid as number };
}

/** A program that holds the file by flock(2), as bbolt does; resolves with what ends it. */
async function foreignHolder(file: string, how: '-x' | '-s'): Promise<() => Promise<void>> {
  const child = spawn('flock', [how, '-n', file, 'sh', '-c', 'echo held; cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return async () => {
    const ended = once(child, 'exit');
    child.stdin.end();
    await ended;
  };
}

function pidsIn(name: string): number[] | undefined {
  if (!existsSync(name)) return undefined;
  const pids = readFileSync(name, 'utf8').trim().split(' ').map(Number);
  return pids.length === 2 ? pids : undefined;
}

function isRunning(pid: number): boolean {
  const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'latin1') : ') Z';
  return !stat.slice(stat.lastIndexOf(')')).startsWith(') Z');
}

const suite = (sharing: 'shared' | 'each alone'): void => {
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
    if (sharing === 'each alone') return; // a writer does not see readers there (FL3)
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
    await bolt.defrag();
    await expect(openBolt(file)).rejects.toMatchObject({ code: 'BOLT_LOCKED' });
  });
};

describe.each([...(hasFlock ? ['with flock(1)'] : []), 'with no program on PATH'])('%s', (way) => {
  if (way === 'with no program on PATH') {
    beforeAll(() => void vi.stubEnv('PATH', scratch.folder));
    afterAll(() => void vi.unstubAllEnvs());
    suite('each alone');
  } else suite('shared');
});
if (!hasFlock) {
  test('flock(1) is not installed: the kernel’s lock was not tested', () => {
    expect(hasFlock).toBe(false);
  });
}

/** Runs `work` as if flock(1) were there or not. */
async function onPath<T>(has: boolean, work: () => Promise<T>): Promise<T> {
  if (!has) vi.stubEnv('PATH', scratch.folder);
  try {
    return await work();
  } finally {
    if (!has) vi.unstubAllEnvs();
  }
}

const ways = hasFlock
  ? [
      [true, true],
      [true, false],
      [false, true],
      [false, false],
    ]
  : [[false, false]];

describe('XA2: two processes, each with flock(1) on its PATH or without', () => {
  test.each(ways)(
    'holder %s, second %s: the second is told who has it, for writing and for reading',
    async (one, two) => {
      const file = scratch.file();
      const other = await onPath(one, () => holder(file, false));
      await onPath(two, async () => {
        const who = { code: 'BOLT_LOCKED', message: `${file} is in use by process ${other.pid}` };
        await expect(openBolt(file)).rejects.toMatchObject(who);
        await expect(openBolt(file, { readOnly: true })).rejects.toMatchObject(who);
        process.kill(other.pid, 'SIGSTOP');
        await expect(openBolt(file)).rejects.toMatchObject(who);
        await other.kill('SIGKILL');
        await (await openBolt(file)).close();
      });
      expect(readdirSync(scratch.folder).filter((name) => name.startsWith(`${path.basename(file)}.`))).toEqual([]);
    },
  );

  if (canIsolate) {
    test.each(ways)('in two containers, holder %s, second %s', async (one, two) => {
      const file = scratch.file();
      const other = await onPath(one, () => holder(file, false, isolated));
      await onPath(two, async () => {
        const who = /is in use by process 1 of another container \(PID namespace\)$/;
        await expect(openBolt(file)).rejects.toMatchObject({
          code: 'BOLT_LOCKED',
          message: expect.stringMatching(who),
        });
        await expect(holder(file, false, isolated)).rejects.toThrow(who);
      });
      await other.kill('SIGKILL');
      await (await openBolt(file, { lockTimeoutMs: 10_000 })).close(); // `unshare` takes its child with it a little later
    });

    test('a file that is mounted by itself: flock(1) decides, and without it nobody is let in', async () => {
      const file = scratch.file();
      await (await openBolt(file)).close();
      const mounted = path.join(mkdtempSync(path.join(scratch.folder, 'mount-')), 'store.db');
      writeFileSync(mounted, '');
      const command = [
        ...isolated,
        SHELL,
        '-c',
        `${MOUNT} --bind "$1" "$2" && shift 2 && exec "$@"`,
        'sh',
        file,
        mounted,
      ];
      await onPath(false, async () => {
        await expect(holder(mounted, false, command)).rejects.toThrow(
          /BOLT_LOCKED.*is mounted by itself.*Install flock/,
        );
      });
      if (!hasFlock) return;
      const other = await holder(mounted, false, command);
      await expect(openBolt(file)).rejects.toMatchObject({ code: 'BOLT_LOCKED' });
      await onPath(false, () => expect(openBolt(file)).rejects.toMatchObject({ code: 'BOLT_LOCKED' }));
      await other.kill('SIGKILL');
    });
  } else {
    test('no root or no unshare(1) here: isolation was not tested', () => {
      expect(canIsolate).toBe(false);
    });
  }
});

describe('XA2: R59 other programs', () => {
  if (!hasFlock) return;

  test.each([true, false])('what holds it by flock(2) is respected, flock(1) on PATH: %s', async (has) => {
    const file = scratch.file();
    await (await openBolt(file)).close();
    const other = await foreignHolder(file, '-x');
    await onPath(has, async () => {
      await expect(openBolt(file)).rejects.toMatchObject({ code: 'BOLT_LOCKED' });
      await expect(openBolt(file, { readOnly: true })).rejects.toMatchObject({ code: 'BOLT_LOCKED' });
    });
    await other();
    const sharing = await foreignHolder(file, '-s');
    await onPath(has, async () => {
      await expect(openBolt(file)).rejects.toMatchObject({ code: 'BOLT_LOCKED' });
      await (await openBolt(file, { readOnly: true })).close();
    });
    await sharing();
    await (await openBolt(file)).close();
  });

  test('they respect us, also after a defragmentation', async () => {
    const file = scratch.file();
    await using bolt = await openBolt(file);
    expect(spawnSync('flock', ['-n', file, 'true']).status).toBe(1);
    await bolt.defrag();
    expect(spawnSync('flock', ['-n', file, 'true']).status).toBe(1);
    await bolt.close();
    expect(spawnSync('flock', ['-n', file, 'true']).status).toBe(0);
  });
});

describe('XA6: one file under several names', () => {
  test.each(hasFlock ? [true, false] : [false])('a link, flock(1) on PATH: %s: its target is locked', async (has) => {
    const file = scratch.file();
    const link = path.join(mkdtempSync(path.join(scratch.folder, 'link-')), 'link.db');
    symlinkSync(file, link);
    await (await openBolt(file)).close();
    await onPath(has, async () => {
      await using bolt = await openBolt(link);
      expect(bolt.readOnly).toBe(false);
      await expect(openBolt(file)).rejects.toMatchObject({ code: 'BOLT_LOCKED' });
      await expect(openBolt(link)).rejects.toMatchObject({ code: 'BOLT_LOCKED' });
      expect(readdirSync(path.dirname(link))).toEqual(['link.db']);
    });
  });

  test('hard links without flock(1): no writer at all, and the sentence says why', async () => {
    const file = scratch.file();
    await (await openBolt(file)).close();
    linkSync(file, `${file}-too`);
    await onPath(false, async () => {
      for (const name of [file, `${file}-too`]) {
        const why = expect.stringMatching(/has 2 names \(hard links\).*flock/) as string;
        await expect(openBolt(name)).rejects.toMatchObject({ code: 'BOLT_LOCKED', message: why });
        await (await openBolt(name, { readOnly: true })).close();
      }
    });
    expect(existsSync(`${file}.lock`)).toBe(false);
  });

  if (hasFlock) {
    test('hard links with flock(1): one writer', async () => {
      const file = scratch.file();
      await (await openBolt(file)).close();
      linkSync(file, `${file}-too`);
      await using bolt = await openBolt(file);
      expect(bolt.readOnly).toBe(false);
      await expect(openBolt(`${file}-too`)).rejects.toMatchObject({ code: 'BOLT_LOCKED' });
    });
  }

  test('a file that has taken the name of an open one is a file of its own', async () => {
    const file = scratch.file();
    await using old = await openBolt(file);
    copyFileSync(file, `${file}-copy`);
    renameSync(`${file}-copy`, file);
    await using fresh = await openBolt(file);
    await fresh.write((tx) => tx.createBucket('new'));
    await expect(old.write((tx) => tx.createBucket('old'))).rejects.toMatchObject({ code: 'BOLT_FAILED' });
    await expect(openBolt(file)).rejects.toMatchObject({ code: 'BOLT_LOCKED' });
  });
});

describe('XB6: a flock(1) that does not answer', () => {
  function hanging(): string {
    // What fails here must not take the rest of the file with it.
    onTestFinished(() => void vi.unstubAllEnvs());
    const folder = mkdtempSync(path.join(scratch.folder, 'hanging-'));
    writeFileSync(path.join(folder, 'flock'), `#!/bin/sh\n${SLEEP} 1000 & echo $$ $! >"$0.pids"\nwait\n`, {
      mode: 0o755,
    });
    return folder;
  }

  test('the signal ends the wait at once, and what was started', async () => {
    const file = scratch.file();
    await (await openBolt(file)).close();
    const folder = hanging();
    vi.stubEnv('PATH', folder);
    const controller = new AbortController();
    const waiting = openBolt(file, { lockTimeoutMs: 600_000, signal: controller.signal });
    const pids = await vi.waitUntil(() => pidsIn(path.join(folder, 'flock.pids')), { timeout: 60_000 });
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    vi.unstubAllEnvs();
    await vi.waitUntil(() => pids.every((pid) => !isRunning(pid)), { timeout: 60_000 });
    await (await openBolt(file)).close();
  });

  test('the timeout ends it as well, with a sentence', async () => {
    const file = scratch.file();
    await (await openBolt(file)).close();
    vi.stubEnv('PATH', hanging());
    const refused = { code: 'BOLT_LOCKED', message: expect.stringMatching(/flock\(1\).*does not answer/) as string };
    await expect(openBolt(file, { lockTimeoutMs: 10 })).rejects.toMatchObject(refused);
    await expect(openBolt(file, { readOnly: true })).rejects.toMatchObject(refused);
    vi.unstubAllEnvs();
    await (await openBolt(file)).close();
  });
});

describe('XE1: what lies where our lock belongs', () => {
  test.each([
    ['a link', (name: string, aim: string) => symlinkSync(aim, name)],
    ['a dangling link', (name: string, aim: string) => symlinkSync(`${aim}-nowhere`, name)],
    ['a pipe', (name: string) => void execFileSync('mkfifo', [name])],
    ['a file', (name: string) => writeFileSync(name, 'precious')],
  ])('%s is left as it is, and nothing is opened for writing', async (what, make) => {
    const file = scratch.file();
    await (await openBolt(file)).close();
    const aim = mkdtempSync(path.join(scratch.folder, 'aim-'));
    make(`${file}.lock`, aim);
    const before = readFileSync(file);
    const found = { code: 'BOLT_INVALID', message: expect.stringMatching(/\.lock is a .*, not a folder/) as string };
    await expect(openBolt(file)).rejects.toMatchObject(found);
    // Who only reads needs no place there; somebody's own file is no sign of a writer of ours.
    if (what === 'a file') await (await openBolt(file, { readOnly: true })).close();
    else await expect(openBolt(file, { readOnly: true })).rejects.toMatchObject(found);
    expect(readdirSync(aim)).toEqual([]);
    expect(existsSync(`${aim}-nowhere`)).toBe(false);
    expect(readFileSync(file).equals(before)).toBe(true);
  });
});

describe('XA2: names', () => {
  test('a path longer than a socket’s, and a name of 255 bytes', async () => {
    const folder = path.join(mkdtempSync(path.join(scratch.folder, 'long-')), 'd'.repeat(120), 'e'.repeat(120));
    mkdirSync(folder, { recursive: true });
    const file = scratch.file();
    await (await openBolt(file)).close();
    for (const name of ['store.db', 'x'.repeat(255)]) {
      const long = path.join(folder, name);
      copyFileSync(file, long);
      await onPath(false, async () => {
        await using bolt = await openBolt(long);
        expect(bolt.readOnly).toBe(false);
        await expect(openBolt(long)).rejects.toMatchObject({ code: 'BOLT_LOCKED' });
      });
      expect(readdirSync(folder)).toContain(name);
      rmSync(long);
    }
    expect(readdirSync(folder)).toEqual([]);
  });
});

test('R41 R59 a reader is kept out by a holder that lives, by no other, and leaves nothing', async () => {
  const file = scratch.file();
  await (await openBolt(file)).close();
  await onPath(false, async () => {
    const dead = await holder(file, false);
    await dead.kill('SIGKILL');
    const leftovers = readdirSync(`${file}.lock`);
    await using one = await openBolt(file, { readOnly: true });
    await using two = await openBolt(file, { readOnly: true });
    expect([one.txid, two.txid]).toEqual([1, 1]);
    expect(readdirSync(`${file}.lock`)).toEqual(leftovers);
  });
  await (await openBolt(file)).close();
  expect(existsSync(`${file}.lock`)).toBe(false);
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
    await expect(openBolt('')).rejects.toThrow(RangeError);
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
