/** What fails inside of LevelDB while it opens a store (XA16, R21, R32 to R34): nothing acknowledged is lost by it. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LevelClass } from '../src/engines/level/driver.ts';
import { nodeFiles, type Files } from '../src/engines/level/files.ts';
import { levelEngine } from '../src/engines/level/index.ts';
import { changesIn, failing, open, put, Reader, temporaryPath, text } from './level-support.ts';

const isLarge = process.env['VARVE_LARGE'] === '1';
const hasStrace = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;
if (!hasStrace) console.log('left out, for want of strace(1): system calls that fail inside of LevelDB');

/** A store as a dead process leaves it: its newest log is not in tables yet. */
const kept = join(fs.mkdtempSync(join(tmpdir(), 'varve-level-')), 'image');
beforeAll(async () => {
  const live = `${kept}-live`;
  const settings = { writeBufferBytes: 1 << 16 };
  let engine = await levelEngine(live, settings);
  for (let n = 1; n <= 60; n++) {
    await engine.commit(changesIn('own', n));
    if (n % 20 !== 0) continue;
    await engine.close();
    engine = await levelEngine(live, settings);
  }
  // LevelDB has nothing left to do in the background: what is copied is one state of the folder.
  await engine.compact();
  for (let n = 0; n < 5; n++) await engine.commit([put(`last${n}`, 'acknowledged')]);
  fs.cpSync(live, kept, { recursive: true }); // everything is synced
  await engine.close();
});
afterAll(() => fs.rmSync(dirname(kept), { recursive: true, force: true }));

function copy(): string {
  const path = temporaryPath();
  fs.cpSync(kept, path, { recursive: true });
  return path;
}

function logsIn(path: string): string[] {
  return fs.readdirSync(path).filter((name) => name.endsWith('.log'));
}

/** LevelDB that misses something for as long as it opens this folder. */
function missing(path: string, hide: (path: string) => () => void): LevelClass {
  return class extends ClassicLevel<Uint8Array, Uint8Array> {
    override async open(options?: object): Promise<void> {
      const show = this.location === path ? hide(path) : () => undefined;
      try {
        await super.open(options as { createIfMissing: boolean });
      } finally {
        show();
      }
    }
  } as unknown as LevelClass;
}

const away = (name: string) => (path: string) => {
  // What LevelDB does after an error in `open` is what it does after finding nothing.
  fs.renameSync(join(path, name), join(dirname(path), name));
  return () => fs.rmSync(join(dirname(path), name));
};
const cutTo = (name: string, length: number) => (path: string) => {
  const whole = fs.readFileSync(join(path, name));
  fs.rmSync(join(path, name)); // its other names stay whole, as a file does that fails to be read
  fs.writeFileSync(join(path, name), whole.subarray(0, length));
  return () => undefined;
};

describe('XA16: LevelDB that misses', () => {
  const misses: ReadonlyArray<readonly [what: string, hide: (path: string) => () => void]> = [
    ['its newest log', (path) => away(logsIn(path).at(-1) as string)(path)],
    ['the end of its newest log', (path) => cutTo(logsIn(path).at(-1) as string, 40)(path)],
    ['all of its newest log', (path) => cutTo(logsIn(path).at(-1) as string, 0)(path)],
    ['a table', (path) => away(fs.readdirSync(path).find((name) => name.endsWith('.ldb')) as string)(path)],
    ['CURRENT', away('CURRENT')],
  ];
  test.each(misses)(
    '%s is a failure that says that nothing is lost, the folder is as it was, and opens',
    async (_, hide) => {
      const path = copy();
      const refused = await open(path, { Level: missing(path, hide) }).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: expect.stringMatching(/^BACKEND_(FAILED|CORRUPT)$/) as unknown });
      const state = (folder: string): unknown =>
        fs
          .readdirSync(folder)
          .filter((name) => !name.startsWith('LO'))
          .map((name) => [name, fs.readFileSync(join(folder, name)).toString('base64')]);
      expect(state(path)).toEqual(state(kept));
      const engine = await open(path);
      expect(engine.warnings).toEqual([]);
      for (let n = 0; n < 5; n++) expect(text(engine, `last${n}`)).toBe('acknowledged');
    },
  );

  test('its first log of two is noticed, although it counts as many operations as there are', async () => {
    const path = copy();
    // The second log begins where the first one is cut between two commits.
    const [name] = logsIn(path) as [string];
    const whole = fs.readFileSync(join(path, name));
    const first = 7 + whole.readUInt16LE(4);
    const next = `${String(Number.parseInt(name, 10) + 20).padStart(6, '0')}.log`;
    fs.writeFileSync(join(path, name), whole.subarray(0, first));
    fs.writeFileSync(join(path, next), whole.subarray(first));
    await expect(open(path, { Level: missing(path, away(name)) })).rejects.toMatchObject({
      code: 'BACKEND_FAILED',
      message: expect.stringMatching(/read.*Nothing is lost/) as unknown,
    });
    const engine = await open(path);
    for (let n = 0; n < 5; n++) expect(text(engine, `last${n}`)).toBe('acknowledged');
  });

  test.each([
    ['second names', {}],
    ['copies', { hardLink: failing('EPERM') }],
  ])(
    'its log, and a process that dies at any step of keeping and putting back (%s): the next open has everything',
    async (_, links) => {
      let isOver = false;
      for (let nth = 1; !isOver; nth += isLarge ? 1 : 4) {
        expect(nth).toBeLessThan(400);
        const path = copy();
        let calls = 0;
        const files: Partial<Record<keyof Files, unknown>> = {};
        for (const [name, real] of Object.entries({ ...nodeFiles, ...links })) {
          if (['clock', 'random', 'locks', 'lookNow'].includes(name)) continue;
          files[name as keyof Files] = async (...args: unknown[]): Promise<unknown> => {
            calls += 1;
            if (calls >= nth) throw Object.assign(new Error('dead'), { code: 'EIO' });
            return (real as (...args: unknown[]) => Promise<unknown>)(...args);
          };
        }
        let isHidden = false;
        const Level = missing(path, (folder) => {
          if (isHidden) return () => undefined; // the second look finds it
          isHidden = true;
          return away(logsIn(folder).at(-1) as string)(folder);
        });
        const first = await open(path, { files: files as Partial<Files>, Level }).then(
          (engine) => engine.close(),
          (error: unknown) => error,
        );
        if (first !== undefined) {
          expect(first).toMatchObject({ code: expect.stringMatching(/^BACKEND_/) as unknown });
        }
        isOver = calls < nth;
        const engine = await open(path);
        for (let n = 0; n < 5; n++) expect(text(engine, `last${n}`), `died at ${nth}`).toBe('acknowledged');
        await engine.close();
        expect(fs.readdirSync(path).filter((name) => name.startsWith('.varve'))).toEqual([]);
        fs.rmSync(path, { recursive: true });
      }
    },
    240_000,
  );

  test('what was kept of an older state is never put back', async () => {
    const path = copy();
    const old = join(path, '.varve-kept-old');
    fs.mkdirSync(old);
    for (const name of fs.readdirSync(path)) {
      if (/^(?:\d+\.(?:log|ldb)|MANIFEST-\d+|CURRENT)$/.test(name)) fs.linkSync(join(path, name), join(old, name));
    }
    const aside = `${path}-old`;
    fs.renameSync(old, aside); // a power cut may bring back the name of a folder that was given up
    const engine = await open(path);
    await engine.commit([put('newer', 'acknowledged')]);
    await engine.close();
    fs.renameSync(aside, old);
    const again = await open(path);
    expect(text(again, 'newer')).toBe('acknowledged');
    expect(fs.existsSync(old)).toBe(false);
  });

  test('what somebody else kept that is not whole is left out', async () => {
    const path = copy();
    fs.mkdirSync(join(path, '.varve-kept-torn'));
    fs.copyFileSync(join(path, 'CURRENT'), join(path, '.varve-kept-torn', 'CURRENT'));
    const engine = await open(path);
    expect(text(engine, 'last4')).toBe('acknowledged');
    expect(fs.readdirSync(path).filter((name) => name.startsWith('.varve'))).toEqual([]);
  });

  describe.runIf(hasStrace)('or fails at, in a system call', () => {
    /** Opens the store in a process of its own, in which a system call fails; whether one did, and what was shown. */
    function openUnder(path: string, ...injections: string[]): { readonly trace: string; readonly shown: string } {
      const names = Array.from({ length: 60 }, (_, n) => String(n + 1).padStart(6, '0'));
      const paths = [
        path,
        ...['CURRENT', 'LOCK', 'LOG', 'LOG.old'].map((name) => join(path, name)),
        ...names.flatMap((n) => ['log', 'ldb', 'dbtmp'].map((ending) => join(path, `${n}.${ending}`))),
        ...names.map((n) => join(path, `MANIFEST-${n}`)),
      ];
      const script = new URL('./level-child.mjs', import.meta.url).pathname;
      const trace = `${path}.trace`;
      const calls = injections.map((one) => one.split(':')[0]).join(',');
      const options = [
        '-f',
        '-o',
        trace,
        '-e',
        `trace=openat,${calls}`,
        ...injections.flatMap((one) => ['-e', `inject=${one}`]),
      ];
      const { stdout } = spawnSync(
        'strace',
        [...options, ...paths.flatMap((one) => ['-P', one]), process.execPath, script, 'read'],
        // One thread of the pool: strace counts the calls of each thread.
        { input: `${path}\ttrue\ttrue\n`, encoding: 'utf8', env: { ...process.env, UV_THREADPOOL_SIZE: '1' } },
      );
      return { trace: fs.readFileSync(trace, 'latin1'), shown: stdout };
    }

    /** Which of the calls that open something, in its thread, is LevelDB's of its newest log. */
    function placeOfLog(): number {
      const dry = copy();
      const { trace } = openUnder(dry, 'openat:delay_exit=1:when=9999');
      const name = `${basename(dry)}/${logsIn(kept).at(-1)}"`;
      const lines = trace.split('\n').filter((line) => line.includes('openat('));
      const theirs = lines.findLast((line) => line.includes(name)) as string;
      const [thread] = theirs.split(' ');
      return lines.filter((line) => line.startsWith(`${thread} `)).indexOf(theirs) + 1;
    }

    async function demandAll(reader: Reader, path: string, digest: string | undefined, what: string): Promise<void> {
      const shown = await reader.show(path);
      expect([shown?.code, shown?.message, shown?.digest], what).toEqual([undefined, undefined, digest]);
      expect(
        fs.readdirSync(path).filter((name) => name.startsWith('.varve')),
        what,
      ).toEqual([]);
      fs.rmSync(path, { recursive: true });
    }

    const failures: ReadonlyArray<readonly [call: string, error: string]> = [
      ['openat', 'EMFILE'],
      ['read', 'EIO'],
      ['getdents64', 'EIO'],
      ['unlink', 'EIO'],
      ['rename', 'EIO'],
      ['fdatasync', 'EIO'],
      ...(isLarge
        ? ([
            ['openat', 'ENOSPC'],
            ['write', 'ENOSPC'],
            ['pread64', 'EIO'],
            ['link', 'EMLINK'],
            ['mkdir', 'ENOSPC'],
          ] as const)
        : []),
    ];
    test.each(failures)(
      '%s that ends with %s, at every place: a typed failure or none, and then everything is there',
      async (call, error) => {
        const reader = new Reader();
        const whole = await reader.show(copy());
        // Where LevelDB opens its log is the place that matters; our own scan has opened it before.
        const first = call === 'openat' && !isLarge ? placeOfLog() - 3 : 1;
        let hits = 0;
        for (let when = first; when < first + (isLarge ? 200 : 8); when++) {
          const path = copy();
          const { trace, shown } = openUnder(path, `${call}:error=${error}:when=${when}`);
          if (!trace.includes('INJECTED')) break;
          hits += 1;
          const { code, digest } = JSON.parse(shown) as { code?: string; digest?: string };
          if (code === undefined) expect(digest).toBe(whole?.digest);
          else expect(code).toMatch(/^BACKEND_(FAILED|CORRUPT|READ_ONLY|LOCKED)$/);
          await demandAll(reader, path, whole?.digest, `${call} ${when}`);
        }
        expect(hits).toBeGreaterThan(0);
      },
      600_000,
    );

    test('R21: killed at any call of an open in which LevelDB could not read its log', async () => {
      const reader = new Reader();
      const whole = await reader.show(copy());
      const nth = placeOfLog();
      let deaths = 0;
      for (const call of ['link', 'rename', 'unlink', 'rmdir', 'fsync', 'mkdir']) {
        for (let when = 1; when <= (isLarge ? 60 : 4); when++) {
          const path = copy();
          const killing = `${call}:signal=KILL:when=${when}`;
          const { trace: seen } = openUnder(path, `openat:error=EMFILE:when=${nth}`, killing);
          if (!seen.includes('killed by SIGKILL')) break;
          deaths += 1;
          await demandAll(reader, path, whole?.digest, `${call} ${when}`);
        }
      }
      expect(deaths).toBeGreaterThan(10);
    }, 600_000);
  });
});
