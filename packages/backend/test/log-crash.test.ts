/**
 * Power cuts and deaths of the process over a simulated disk. `VARVE_LARGE=1` takes ten times as many histories.
 */
import { expect, test } from 'vitest';
import type { Engine } from '../src/contract/engine.ts';
import { LogDisk, logEngineOn, seeded, type Random } from './log-disk.ts';
import { commitShown, History } from './log-support.ts';

const histories = process.env['VARVE_LARGE'] === '1' ? 300 : 40;
const PATH = '/store';

/** Commits, compacts and opens anew until the disk is dead or it has been enough. @returns the newest acknowledged commit */
async function live(disk: LogDisk, engine: Engine | undefined, history: History, random: Random): Promise<number> {
  const options = { segmentBytes: 4096 };
  let acked = history.states.length - 1;
  let open = engine;
  try {
    open ??= await logEngineOn(disk, PATH, options);
    const steps = 5 + Math.floor(random() * 60);
    for (let step = 0; step < steps; step += 1) {
      const kind = random();
      if (kind < 0.86) {
        await open.commit(history.next());
        acked = history.states.length - 1;
      } else if (kind < 0.93) {
        await open.compact();
      } else {
        await open.close();
        open = await logEngineOn(disk, PATH, options);
      }
    }
    await open.close();
  } catch (error) {
    if (!disk.isDead) throw error;
    await open?.close().catch(() => undefined);
  }
  return acked;
}

test('G15 law 7 G1 G6 G10 G13 G18 G19 G25 G29 after a crash at any call the store opens to a prefix with every acknowledged commit', async () => {
  // The last one once failed: what an opening had cleared away came back.
  for (const seed of [...Array.from({ length: histories }, (_, i) => i + 1), 10_970]) {
    const random = seeded(seed);
    let disk = new LogDisk();
    const history = new History(random);
    for (let life = 0; life < 5; life += 1) {
      const crashAt = disk.ops + 1 + Math.floor(random() * (life === 0 && random() < 0.5 ? 30 : 400));
      disk.before = ({ number }) => (number === crashAt ? 'crash' : undefined);
      const acked = await live(disk, undefined, history, random);
      const images = [disk.crash(random), disk.crash(random), disk.afterDeath()];
      const next = images[Math.floor(random() * images.length)]!;
      for (const image of images) {
        if (image !== next) await check(image, history, acked, `seed ${seed}, life ${life}`);
      }
      disk = next;
      const shownCommit = await check(disk, history, acked, `seed ${seed}, life ${life}, goes on`);
      history.backTo(shownCommit);
    }
  }
}, 3_600_000);

/** Opens, with crashes in the opening, and looks. */
async function check(disk: LogDisk, history: History, acked: number, what: string): Promise<number> {
  let engine;
  try {
    engine = await logEngineOn(disk, PATH, { segmentBytes: 4096 });
  } catch (error) {
    throw new Error(`${what}: does not open`, { cause: error });
  }
  const commit = await commitShown(engine, history, acked);
  expect(commit, `${what}: which state, ${acked} was acknowledged`).toBeGreaterThanOrEqual(acked);
  await engine.close();
  // What was shown stays, whatever power does now.
  const again = await logEngineOn(disk.crash(seeded(commit + 1)), PATH, { segmentBytes: 4096 });
  expect(await commitShown(again, history, commit), `${what}: after a second crash`).toBe(commit);
  expect(again.warnings?.join(), what).toBe('');
  await again.close();
  return commit;
}

test('G14 R23 a crash at any call of an opening leaves a store that opens, and loses nothing', async () => {
  for (let seed = 1; seed <= Math.ceil(histories / 10); seed += 1) {
    const random = seeded(1000 + seed);
    const first = new LogDisk();
    const history = new History(random);
    first.before = ({ number }) => (number === 60 + Math.floor(seed * 7) ? 'crash' : undefined);
    const acked = await live(first, undefined, history, random);
    const left = first.crash(random);
    for (let call = 1; ; call += 1) {
      const disk = LogDisk.holding(left.files());
      disk.before = ({ number }) => (number === call ? 'crash' : undefined);
      const opened = await logEngineOn(disk, PATH, { segmentBytes: 4096 }).catch(() => undefined);
      if (opened !== undefined && !disk.isDead) {
        await opened.close();
        break;
      }
      await opened?.close();
      await check(disk.crash(random), history, acked, `seed ${seed}, call ${call} of the opening`);
      await check(disk.afterDeath(), history, acked, `seed ${seed}, call ${call} of the opening, death`);
    }
  }
}, 3_600_000);

test('a disk that lies is found out: the checks above can fail', async () => {
  let lost = 0;
  for (let seed = 1; seed <= 20; seed += 1) {
    const random = seeded(seed);
    const disk = new LogDisk();
    disk.lies = true;
    const history = new History(random);
    disk.before = ({ number }) => (number === 150 ? 'crash' : undefined);
    const acked = await live(disk, undefined, history, random);
    await check(disk.crash(random), history, acked, 'lies').catch(() => {
      lost += 1;
    });
  }
  expect(lost).toBeGreaterThan(0);
}, 3_600_000);
