/**
 * The real bbolt over files written here. Needs Go and the library (`golang-go golang-github-coreos-bbolt-dev` in Debian);
 * without them the tests are left out, and their name says so.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { buildBolt, openBolt } from '../src/index.ts';
import type { OpenOptions, WriteBucket, WriteTransaction } from '../src/index.ts';
import { listFile } from './list-file.ts';
import { replay } from './recipe.ts';
import { seeded } from './simulated-disk.ts';
import { recipeNames, Scratch, vectorListing } from './vectors.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

const TOOL = path.join(scratch.folder, 'bbolt-tool');

/** Why the tool cannot be built, or undefined when it was. */
function build(): string | undefined {
  const source = path.resolve(import.meta.dirname, 'bbolt/main.go');
  const env = {
    ...process.env,
    GO111MODULE: 'off',
    GOPATH: '/usr/share/gocode',
    GOFLAGS: '',
    GOCACHE: path.join(scratch.folder, 'go-cache'),
  };
  const { error, status, stderr } = spawnSync('go', ['build', '-o', TOOL, source], { env, timeout: 280_000 });
  if (error !== undefined) return 'Go is not installed';
  return status === 0 ? undefined : `bbolt cannot be built: ${stderr.toString().split('\n')[0]}`;
}

function bbolt(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(TOOL, args, { timeout: 100_000 });
  if (status !== 0)
    throw new Error(`bbolt ${args[0]}: ${stdout.toString().slice(0, 500)} ${stderr.toString().slice(0, 500)}`);
  return stdout.toString().trim();
}

/** One random change, in a bucket of up to three levels. */
function change(root: WriteBucket, pick: (limit: number) => number): void {
  let bucket = root.createBucketIfMissing(`b${pick(3)}`);
  for (let level = pick(3); level > 0; level--) bucket = bucket.createBucketIfMissing(`b${pick(3)}`);
  const kind = pick(10);
  if (kind < 5) for (let i = pick(60); i >= 0; i--) bucket.put(`k${pick(400)}`, Buffer.alloc(pick(300), kind));
  else if (kind < 7) for (let i = pick(60); i >= 0; i--) bucket.delete(`k${pick(400)}`);
  else if (kind < 9) bucket.deleteBucket(`b${pick(3)}`);
  else root.deleteBucket(`b${pick(3)}`);
}

const missing = build();
const RECIPES = recipeNames().filter((name) => name !== 'bolt-freelist-64k');

const suite = (): void => {
  test.each(RECIPES)(
    'F6 F69 F72 %s written by us: check clean, contents equal, bbolt can go on writing, and so can we',
    async (name) => {
      const file = scratch.file();
      await replay(name, file);
      const { contentSha256 } = vectorListing(name === 'bolt-crash' ? 'crash/state-5' : name);
      expect(bbolt('check', file)).toBe('OK');
      expect(bbolt('digest', file)).toBe(contentSha256);
      if ((await listFile(file)).pageSize < 1024) return;
      expect(bbolt('mutate', file, '3')).toBe('OK\nOK\nOK');
      const digest = bbolt('digest', file);
      {
        await using bolt = await openBolt(file);
        const report = await bolt.check();
        expect([report.problems, report.sealedRuns]).toEqual([[], 0]);
        await bolt.write((tx) => tx.createBucketIfMissing('varve').put('k', 'v'));
        await bolt.write((tx) => void tx.deleteBucket('varve'));
        expect((await bolt.check()).problems).toEqual([]);
      }
      expect(bbolt('check', file)).toBe('OK');
      expect(bbolt('digest', file)).toBe(digest);
      expect(bbolt('mutate', file, '2')).toBe('OK\nOK');
    },
  );

  test.each([1024, 4096, 16_384])('F81 a file built from rows, and a compacted one, pages of %i', async (pageSize) => {
    const rows = Array.from({ length: 5000 }, (_, i) => ({
      bucket: i < 4000 ? 'key' : 'lease',
      key: Buffer.from(String(i).padStart(17, '0')),
      value: Buffer.alloc((i * 7) % 600, i),
    }));
    const image = await buildBolt({ rows: () => [rows], buckets: ['meta'] }, { pageSize });
    const file = scratch.file();
    await pipeline(image, createWriteStream(file));
    expect(bbolt('check', file)).toBe('OK');
    expect(bbolt('mutate', file, '3')).toBe('OK\nOK\nOK');
    const compacted = scratch.file();
    {
      await using bolt = await openBolt(file, { readOnly: true });
      await bolt.copyTo(compacted);
    }
    expect(bbolt('check', compacted)).toBe('OK');
    expect(bbolt('digest', compacted)).toBe(bbolt('digest', file));
    expect(bbolt('mutate', compacted, '2')).toBe('OK\nOK');
  });

  test.each(Array.from({ length: 12 }, (_, i) => i + 1))(
    'F6 F61 F69 random changes of nested buckets, seed %i: check clean, contents equal after every third commit',
    async (seed) => {
      const random = seeded(seed);
      const pick = (limit: number): number => Math.floor(random() * limit);
      const file = scratch.file();
      const options: OpenOptions = {
        pageSize: [1024, 4096, 16_384][seed % 3],
        freelist: seed % 2 === 0 ? 'persisted' : 'scanned',
        pageChecksums: seed % 4 < 2,
      };
      for (let round = 0; round < 4; round++) {
        {
          await using bolt = await openBolt(file, options);
          for (let commit = 0; commit < 3; commit++) {
            await bolt.write((tx) => {
              for (let step = 0; step < 12; step++) change(tx.root, pick);
            });
          }
        }
        expect(bbolt('check', file)).toBe('OK');
        expect(bbolt('digest', file)).toBe((await listFile(file)).contentSha256);
      }
    },
  );

  test('XA7: bbolt writes between our commits: nothing is refused, bbolt finds all clean, older pages are told again', async () => {
    const file = scratch.file();
    const rewrite = (tx: WriteTransaction, value: number): void => {
      const outer = tx.createBucketIfMissing('outer');
      for (const bucket of [tx.createBucketIfMissing('tree'), outer, outer.createBucketIfMissing('inner')])
        for (let i = 0; i < 60; i++) bucket.put(`k${i}`, Buffer.alloc(60, value));
    };
    const older: Buffer[] = [];
    for (let round = 0; round < 6; round++) {
      {
        await using bolt = await openBolt(file, { pageSize: 1024 });
        await bolt.write((tx) => tx.bucket('tree')?.put('k3', `one page, round ${round}`));
        expect((await bolt.check()).problems).toEqual([]);
        await bolt.write((tx) => rewrite(tx, round));
        expect((await bolt.check()).problems).toEqual([]);
      }
      older.push(readFileSync(file));
      if (round === 5) break;
      expect(bbolt('check', file)).toBe('OK');
      expect(bbolt('mutate', file, '2')).toBe('OK\nOK');
      older.push(readFileSync(file));
      await using bolt = await openBolt(file, { readOnly: true });
      const { problems, remarks } = await bolt.check();
      expect([problems, remarks.map(({ rule }) => rule), bolt.warnings]).toEqual([[], ['checksum'], []]);
    }
    {
      await using bolt = await openBolt(file);
      await bolt.write((tx) => {
        for (const { key } of tx.root.entries()) tx.deleteBucket(key); // also what bbolt's tool has made
      });
      for (let round = 10; round < 14; round++) await bolt.write((tx) => rewrite(tx, round));
    }
    expect(bbolt('check', file)).toBe('OK');
    const last = readFileSync(file);
    const { contentSha256 } = await listFile(file);
    const seen = { same: 0, told: 0 };
    for (const before of older) {
      for (let at = 2048; at + 1024 <= Math.min(before.length, last.length); at += 1024) {
        if (before.subarray(at, at + 1024).equals(last.subarray(at, at + 1024))) continue;
        const image = Buffer.from(last);
        before.copy(image, at, at, at + 1024);
        try {
          expect((await listFile(scratch.file(image))).contentSha256).toBe(contentSha256);
          seen.same++;
        } catch (error) {
          expect(error).toMatchObject({ code: 'BOLT_CORRUPT' });
          seen.told++;
        }
      }
    }
    expect(seen.told).toBeGreaterThan(20);
  });

  test('F97 bbolt waits while we hold the file', async () => {
    const file = scratch.file();
    await using bolt = await openBolt(file);
    expect(bolt.txid).toBe(1);
    expect(() => bbolt('check', file)).toThrow('timeout');
  });

  test('XA2, R59: what bbolt has open is refused, with flock(1) on PATH and without, and the message names it', async () => {
    const file = scratch.file();
    await (await openBolt(file)).close();
    const holder = spawn(TOOL, ['hold', file], { stdio: ['pipe', 'pipe', 'inherit'] });
    onTestFinished(() => void holder.kill('SIGKILL'));
    await once(holder.stdout, 'data');
    const refused = { code: 'BOLT_LOCKED', message: `${file} is in use by process ${holder.pid}` };
    for (const paths of [process.env['PATH'], scratch.folder]) {
      vi.stubEnv('PATH', paths);
      await expect(openBolt(file)).rejects.toMatchObject(refused);
      await expect(openBolt(file, { readOnly: true })).rejects.toMatchObject(refused);
      vi.unstubAllEnvs();
    }
    const ended = once(holder, 'exit');
    holder.stdin.end();
    await ended;
    await (await openBolt(file)).close();
  });
};

if (missing === undefined) describe('the real bbolt', suite);
else {
  test(`the real bbolt was left out: ${missing}`, () => {
    expect(missing).toBeTypeOf('string');
  });
}
