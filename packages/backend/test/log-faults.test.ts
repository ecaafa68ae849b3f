/** Calls of the disk that fail: each one once, and for good. */
import { expect, test } from 'vitest';
import { BackendError } from '../src/contract/errors.ts';
import type { Engine } from '../src/contract/engine.ts';
import { LogDisk, logEngineOn, seeded, type DiskOp, type Fault } from './log-disk.ts';
import { commitShown, dump, History, records, revision, shown } from './log-support.ts';

const PATH = '/store';
const options = { segmentBytes: 4096 } as const;

/** A life of a store. @returns the newest acknowledged commit, and whether an error was told */
async function live(disk: LogDisk, history: History): Promise<{ acked: number; told: boolean }> {
  let acked = 0;
  let engine: Engine | undefined;
  try {
    engine = await logEngineOn(disk, PATH, options);
    for (let step = 0; step < 24; step += 1) {
      await engine.commit(history.next());
      acked = history.states.length - 1;
      if (step % 8 === 5) await engine.compact().catch(expectTyped);
      if (step === 12) {
        await engine.close();
        engine = await logEngineOn(disk, PATH, options);
      }
    }
    await engine.close();
    return { acked, told: false };
  } catch (error) {
    expectTyped(error);
    if (engine !== undefined) {
      await expect(engine.commit(history.next())).rejects.toBeInstanceOf(BackendError);
      history.backTo(history.states.length - 2);
      await engine.close();
    }
    return { acked, told: true };
  }
}

function expectTyped(error: unknown): void {
  if (!(error instanceof BackendError)) throw error;
  expect(['BACKEND_FAILED', 'BACKEND_CLOSED']).toContain(error.code);
}

for (const code of ['EIO', 'ENOSPC', 'EMFILE', 'short'] as const) {
  for (const lasting of code === 'ENOSPC' || code === 'EIO' ? [false, true] : [false]) {
    test(`R25 R27 R28 G8 G14 G29 law 8 each call fails with ${code}${lasting ? ' from then on' : ' once'}`, async () => {
      let told = 0;
      for (let call = 1; ; call += 3) {
        const disk = new LogDisk();
        const history = new History(seeded(7), 900);
        let isReached = false;
        disk.before = ({ number, kind }: DiskOp): Fault => {
          if (number < call || (!lasting && number > call)) return undefined;
          isReached = true;
          if (code === 'short') return kind === 'write' ? 'short' : undefined;
          if (code === 'ENOSPC') return kind === 'write' || kind === 'open' ? code : undefined;
          return code;
        };
        const lived = await live(disk, history);
        if (lived.told) told += 1;
        disk.before = undefined;
        expect(disk.openFiles, `call ${call} leaves no file open`).toBe(0);
        for (const left of [disk.afterDeath(), disk.crash(seeded(call))]) {
          const engine = await logEngineOn(left, PATH, options);
          const commit = await commitShown(engine, history, lived.acked);
          expect(commit, `call ${call}, ${lived.acked} acknowledged`).toBeGreaterThanOrEqual(lived.acked);
          await engine.commit([]);
          await engine.close();
        }
        if (!isReached) break;
      }
      if (code !== 'short') expect(told).toBeGreaterThan(0);
    }, 300_000);
  }
}

test('G8 the medium being full for the zeros ahead is not its being full for the commit', async () => {
  const disk = new LogDisk();
  const engine = await logEngineOn(disk, PATH);
  let refused = 0;
  const write = disk.before;
  disk.before = ({ kind, isDurable }) => {
    if (kind !== 'write' || !isDurable || refused > 0) return undefined;
    refused += 1;
    return 'ENOSPC';
  };
  await engine.commit([{ type: 'createBucket', bucket: records }]);
  disk.before = write;
  expect(refused).toBe(1);
  await engine.close();
});

test('R25 after a failed commit reads go on at the last acknowledged state, and nothing is written any more', async () => {
  const disk = new LogDisk();
  const engine = await logEngineOn(disk, PATH);
  const put = (main: number): Parameters<Engine['commit']>[0] => [
    { type: 'put', bucket: records, key: revision(main), value: Uint8Array.of(main) },
  ];
  await engine.commit([{ type: 'createBucket', bucket: records }]);
  await engine.commit(put(1));
  const before = shown(await dump(engine));
  disk.before = ({ kind }) => (kind === 'write' ? 'EIO' : undefined);
  await expect(engine.commit(put(2))).rejects.toMatchObject({ code: 'BACKEND_FAILED', cause: { code: 'EIO' } });
  disk.before = ({ kind, isDurable }) => {
    if (kind === 'write' && isDurable) throw new Error('written after a failure');
    return undefined;
  };
  await expect(engine.commit(put(3))).rejects.toMatchObject({ code: 'BACKEND_FAILED' });
  expect(shown(await dump(engine))).toBe(before);
  await engine.close();
});

test('G13 a commit whose sync failed and left a clean cache is made durable before it is shown', async () => {
  const disk = new LogDisk();
  const engine = await logEngineOn(disk, PATH);
  await engine.commit([{ type: 'createBucket', bucket: records }]);
  disk.lies = true; // the write gets no further than the page cache, and is taken for durable there
  await engine.commit([{ type: 'put', bucket: records, key: revision(1), value: Uint8Array.of(1) }]);
  const left = disk.afterDeath();
  const again = await logEngineOn(left, PATH);
  expect(again.get(records, revision(1))).toEqual(Uint8Array.of(1));
  for (let seed = 0; seed < 20; seed += 1) {
    const cut = await logEngineOn(left.crash(seeded(seed)), PATH);
    expect(cut.get(records, revision(1))).toEqual(Uint8Array.of(1));
    await cut.close();
  }
  await again.close();
});

test('G16 R43 a file that cannot be read is BACKEND_FAILED, and nothing is cut', async () => {
  const disk = new LogDisk();
  const engine = await logEngineOn(disk, PATH);
  await engine.commit([{ type: 'createBucket', bucket: records }]);
  await engine.commit([{ type: 'put', bucket: records, key: revision(1), value: new Uint8Array(3000) }]);
  const left = disk.afterDeath();
  const bytes = left.files();
  left.before = ({ kind, path }) => (kind === 'read' && path.endsWith('.log') ? 'EIO' : undefined);
  await expect(logEngineOn(left, PATH)).rejects.toMatchObject({ code: 'BACKEND_FAILED' });
  for (const [name, content] of bytes) expect(left.files().get(name)?.equals(content), name).toBe(true);
  left.before = undefined;
  const again = await logEngineOn(left, PATH);
  expect(again.get(records, revision(1))?.length).toBe(3000);
  await again.close();
  await engine.close();
});
