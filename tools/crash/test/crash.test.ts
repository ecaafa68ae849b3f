/** Required test 6 of the reliability rows: real processes that are killed, stopped, and that meet (R21, R39 to R42). */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { transactionOf } from '../lib/plan.mjs';
import { Known } from './known.ts';
import { type EngineName, temporaryFolder, Verifier, type Via, workload } from './programs.ts';

const large = process.env['VARVE_LARGE'] === '1';
const kills = large ? 50 : 6;
/** Kills with a server in between, which takes longer to start. */
const served = large ? 50 : 3;
const engines: readonly EngineName[] = ['level', 'file', 'log'];

/** Lines after which the workload of a round is killed: at once, at `ready`, in the middle, behind a defragmentation. */
function patience(round: number): number {
  return [0, 1, 40, 150, 500, 900][round % 6]! + ((round * 7919) % 60) * Math.min(round % 6, 1);
}

async function writeAndKill(
  engine: EngineName,
  folder: string,
  known: Known,
  lines: number,
  via: Via = 'kv',
): Promise<void> {
  const writer = workload(engine, folder, { FAULT_SEED: '11', FAULT_SEQ: String(known.nextSeq) }, via);
  if (lines === 0) {
    // In the middle of opening: as soon as the process runs, and before it says anything.
    await new Promise<void>((resolve) => void writer.process.once('spawn', resolve));
  }
  for (let heard = 0; heard < lines; heard += 1) {
    const line = await writer.next();
    if (line === undefined) throw new Error(`the workload ended: ${writer.complaints}`);
    known.hear(line);
  }
  writer.kill();
  for (const line of await writer.rest()) known.hear(line);
  // A server says how it is on standard error, and what was slow.
  expect(writer.complaints.replaceAll(/^\{"level":"(?:info|warn)".*\n/gm, '')).toBe('');
}

describe.each(engines)('%s', (engine) => {
  test(`R21, P1, P2, law 7: killed ${kills} times, every acknowledged write is there, nothing is torn, a second recovery changes nothing`, async () => {
    const folder = temporaryFolder();
    const known = new Known();
    const verifier = new Verifier(engine);
    for (let round = 0; round < kills; round += 1) {
      await writeAndKill(engine, folder, known, patience(round));
      const shown = await verifier.show(folder);
      known.compare(shown);
      expect(await verifier.show(folder)).toEqual({ ...shown, warnings: [] });
    }
    expect(known.acks).toBeGreaterThan(kills * 50);
  }, 600_000);

  test(`R93, law 7: the same over gRPC: ${served} times killed, varve serve among them`, async () => {
    const folder = temporaryFolder();
    const known = new Known();
    const verifier = new Verifier(engine, 'server');
    for (let round = 0; round < served; round += 1) {
      await writeAndKill(engine, folder, known, patience(round + 1), 'server');
      known.compare(await verifier.show(folder));
    }
    expect(known.acks).toBeGreaterThan(served * 20);
  }, 1_200_000);

  test('R39 to R41: a second workload and a verify are locked out, also while the holder is stopped; after its death they are not', async () => {
    const folder = temporaryFolder();
    const holder = workload(engine, folder, { FAULT_SEED: '12' });
    const known = new Known();
    const hear = async (kind: string): Promise<void> => {
      for (let line = await holder.next(); line !== undefined; line = await holder.next()) {
        if (known.hear(line) === kind) return;
      }
      throw new Error(`the holder ended: ${holder.complaints}`);
    };
    const verifier = new Verifier(engine);
    const refuse = async (): Promise<void> => {
      const other = workload(engine, folder, { FAULT_OPS: '1' });
      const lines = await other.rest();
      expect(lines).toEqual([expect.stringMatching(/^error BACKEND_LOCKED /)]);
      expect(other.process.exitCode).toBe(1);
      // A machine under load stretches one refusal, not each of five.
      let quickestMs = Infinity;
      for (let i = 0; i < 5 && quickestMs >= 1000; i++) {
        const started = performance.now();
        expect((await verifier.show(folder)).error).toBe('BACKEND_LOCKED');
        quickestMs = Math.min(quickestMs, performance.now() - started);
      }
      expect(quickestMs).toBeLessThan(1000);
    };
    await hear('ready');
    await refuse();
    await hear('ack');
    holder.process.kill('SIGSTOP');
    await refuse();
    holder.process.kill('SIGCONT');
    const before = known.acks;
    while (known.acks < before + 5) await hear('ack');
    holder.kill();
    for (const line of await holder.rest()) known.hear(line);
    known.compare(await verifier.show(folder));
  }, 120_000);

  test('R42: of eight workloads that begin at the same instant, exactly one has the store', async () => {
    const folder = temporaryFolder();
    const all = Array.from({ length: 8 }, () => workload(engine, folder));
    const first = await Promise.all(all.map((one) => one.next()));
    expect(first.filter((line) => line === 'ready')).toHaveLength(1);
    expect(first.filter((line) => line?.startsWith('error BACKEND_LOCKED '))).toHaveLength(7);
  }, 120_000);

  test('R93: what was not killed ends with `done`, the same seed says the same, and `verify` says what was acknowledged', async () => {
    const [folder, other] = [temporaryFolder(), temporaryFolder()];
    const options = { FAULT_SEED: '7', FAULT_OPS: '120' };
    const lines = await workload(engine, folder, options).rest();
    const tries = (said: readonly string[]): string[] => said.filter((line) => line.startsWith('try '));
    expect([lines[0], lines.at(-1)]).toEqual(['ready', 'done']);
    expect(tries(lines)).toHaveLength(120);
    expect(tries(await workload(engine, other, options).rest())).toEqual(tries(lines));
    const known = new Known();
    for (const line of lines) known.hear(line);
    expect(known.acks).toBe(120);
    known.compare(await new Verifier(engine).show(folder));
  });

  test('FAULT_GROW: every key is a new one, nothing is deleted, and the next run goes on behind it', async () => {
    const folder = temporaryFolder();
    const known = new Known();
    for (const first of ['1', '31']) {
      const options = { FAULT_SEED: '3', FAULT_SEQ: first, FAULT_OPS: '30', FAULT_GROW: '1' };
      for (const line of await workload(engine, folder, options).rest()) known.hear(line);
    }
    const shown = await new Verifier(engine).show(folder);
    known.compare(shown);
    expect(shown.keys.size).toBeGreaterThan(60);
  });
});

describe('XA17: how a workload ended that was not killed is kept', () => {
  interface Ended {
    readonly code: number;
    readonly causes: readonly string[];
  }
  const endings = (folder: string): Ended[] =>
    readFileSync(join(folder, 'ended'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Ended);

  test('a clean end has no cause; each run is a line of its own', async () => {
    const folder = temporaryFolder();
    for (const first of ['1', '4']) {
      await workload('level', folder, { FAULT_SEQ: first, FAULT_OPS: '3' }).rest();
    }
    expect(endings(folder)).toMatchObject([
      { code: 0, causes: [] },
      { code: 0, causes: [] },
    ]);
  });

  test.each([
    ['a rejection that nobody awaits', `Promise.reject(new Error('left alone'))`, /^error UNTYPED left alone$/],
    [
      'an error that nobody catches',
      `throw Object.assign(new Error('left alone'), { code: 'EXAMPLE' })`,
      /^error EXAMPLE left alone$/,
    ],
  ])('%s ends it with its stack in the file, on standard error, and as a line', async (_, statement, line) => {
    const folder = temporaryFolder();
    const store = JSON.stringify(join(folder, 'store'));
    const program = `import { existsSync } from 'node:fs';
      setInterval(() => { if (existsSync(${store})) { ${statement} } }, 10)`;
    const writer = workload('level', folder, {
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(program)}`,
    });
    const lines = await writer.rest();
    expect(lines.at(-1)).toMatch(line);
    expect(writer.process.exitCode).toBe(1);
    expect(writer.complaints).toMatch(/left alone\n\s+at /);
    expect(endings(folder)).toMatchObject([{ code: 1, causes: [expect.stringMatching(/left alone\n\s+at /)] }]);
  });

  test('a reader that goes away is the cause of an end with code 1, and is told as such', async () => {
    const folder = temporaryFolder();
    const writer = workload('level', folder);
    while ((await writer.next())?.startsWith('ack ') === false);
    writer.process.stdout?.destroy();
    await once(writer.process, 'exit');
    expect(writer.process.exitCode).toBe(1);
    expect(endings(folder)).toMatchObject([
      { code: 1, causes: [expect.stringMatching(/nobody reads standard output/)] },
    ]);
  });

  test('a store that cannot be opened is the cause', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'store'), { recursive: true });
    writeFileSync(join(folder, 'store', 'notes'), 'mine');
    await workload('level', folder).rest();
    expect(endings(folder)).toMatchObject([{ code: 1, causes: [expect.stringMatching(/BACKEND_FOREIGN/)] }]);
  });
});

test('the plan: half of the transactions have 2 to 4 keys, each once; 15 % of the changes delete; no value comes twice', () => {
  const all = Array.from({ length: 4000 }, (_, seq) => transactionOf(5, seq + 1, false));
  const writes = all.flat();
  expect(all.filter(({ length }) => length > 1).length / all.length).toBeCloseTo(0.5, 1);
  expect(writes.filter(({ value }) => value === undefined).length / writes.length).toBeCloseTo(0.15, 1);
  expect(all.every((one) => one.length <= 4 && new Set(one.map(({ key }) => key)).size === one.length)).toBe(true);
  expect(new Set(writes.map(({ key }) => key)).size).toBe(40);
  const values = writes.flatMap(({ value }) => (value === undefined ? [] : [value]));
  expect(new Set(values.map((value) => Buffer.from(value).toString('latin1'))).size).toBe(values.length);
  expect(values.every(({ length }) => length >= 32 && length <= 6000)).toBe(true);
});

describe('the judge', () => {
  const told = [
    'try 1 a x1 b y1',
    'ack 1 a x1 b y1 rev=2',
    'try 2 a x2',
    'try 3 b y3 c z3',
    'ack 3 b y3 c z3 rev=4',
    'try 4 e x4 d -',
  ];
  const all = { a: 'x2', b: 'y3', c: 'z3' };
  const verdicts: readonly (readonly [
    what: string,
    keys: Record<string, string>,
    revision: number,
    verdict: RegExp | undefined,
  ])[] = [
    ['everything acknowledged, and what lies before it', all, 4, undefined],
    ['what was in doubt as well', { ...all, e: 'x4' }, 5, undefined],
    ['an acknowledged write that is lost', { ...all, c: 'z0' }, 4, /deeply equal/],
    ['a hole before an acknowledged write', { ...all, a: 'x1' }, 4, /before an acknowledged one is missing/],
    ['a value that nobody wrote', { ...all, f: 'f' }, 4, /deeply equal/],
    ['a revision that went back', all, 3, /greater than or equal/],
  ];
  test.each(verdicts)('P1, P2: %s', (_, keys, revision, verdict) => {
    const known = new Known();
    for (const line of told) known.hear(line);
    const shown = { keys: new Map(Object.entries(keys)), revision, warnings: [], error: undefined };
    if (verdict === undefined) known.compare(shown);
    else expect(() => known.compare(shown)).toThrow(verdict);
  });

  test('P2: half of a transaction is torn', () => {
    const known = new Known();
    for (const line of ['try 1 a x1 b y1', 'ack 1 a x1 b y1 rev=2', 'try 2 a x2 b y2']) known.hear(line);
    const keys = new Map([
      ['a', 'x2'],
      ['b', 'y1'],
    ]);
    expect(() => known.compare({ keys, revision: 3, warnings: [], error: undefined })).toThrow(/is torn/);
  });
});

test.each([
  [['--engine', 'memory', 'x'], 'memory'],
  [['--engine', 'oak', 'x'], 'oak'],
  [['--via', 'pigeon', 'x'], 'pigeon'],
  [['--durability', 'maybe', 'x'], 'maybe'],
  [['--colour', 'x'], 'colour'],
  [['x', 'y'], 'one folder'],
])('R121: %j is refused with code 2 and a line that says why', (args, words) => {
  for (const program of ['workload', 'verify']) {
    const path = fileURLToPath(new URL(`../${program}.mjs`, import.meta.url));
    const { status, stdout } = spawnSync(process.execPath, [path, ...args], { encoding: 'utf8' });
    expect([status, stdout]).toEqual([2, expect.stringMatching(new RegExp(`^error USAGE .*${words}.*\n$`))]);
  }
});
