/**
 * Power cuts and calls that fail, mixed: what one opening could not do stands in the way of no later one. `VARVE_LARGE=1` takes ten
 * times as many histories.
 */
import { expect, test } from 'vitest';
import { BackendError } from '../src/contract/errors.ts';
import type { Engine } from '../src/contract/engine.ts';
import { LogDisk, logEngineOn, seeded, type Fault, type Random } from './log-disk.ts';
import { commitShown, History } from './log-support.ts';

const histories = process.env['VARVE_LARGE'] === '1' ? 400 : 40;
const PATH = '/store';
const options = { segmentBytes: 4096 } as const;
const codes = ['EIO', 'EIO', 'ENOSPC', 'EMFILE', 'EACCES'] as const;

/** An error may be told, damage may not: nothing is damaged. */
function expectFailure(error: unknown, what: string): void {
  if (!(error instanceof BackendError)) throw error;
  expect(['BACKEND_FAILED', 'BACKEND_CLOSED', 'BACKEND_READ_ONLY'], `${what}: ${error.message}`).toContain(error.code);
}

class Life {
  readonly #disk: LogDisk;
  readonly #history: History;
  readonly #what: string;
  acked: number;
  told = 0;

  constructor(disk: LogDisk, history: History, acked: number, what: string) {
    this.#disk = disk;
    this.#history = history;
    this.acked = acked;
    this.#what = what;
  }

  /** Opens, and looks whether all is there; `undefined` when an error was told. */
  async open(): Promise<Engine | undefined> {
    let engine: Engine | undefined;
    try {
      engine = await logEngineOn(this.#disk, PATH, options);
      const shown = await commitShown(engine, this.#history, this.acked);
      expect(shown, `${this.#what}: ${this.acked} was acknowledged`).toBeGreaterThanOrEqual(this.acked);
      this.acked = shown;
      this.#history.backTo(shown);
      return engine;
    } catch (error) {
      this.#tell(error);
      await engine?.close();
      return undefined;
    }
  }

  async commit(engine: Engine): Promise<boolean> {
    try {
      await engine.commit(this.#history.next());
      this.acked = this.#history.states.length - 1;
      return true;
    } catch (error) {
      this.#tell(error);
      return false;
    }
  }

  async compact(engine: Engine): Promise<void> {
    await engine.compact().catch((error: unknown) => this.#tell(error));
  }

  #tell(error: unknown): void {
    expectFailure(error, this.#what);
    this.told += 1;
  }
}

/** @returns how many errors were told */
async function live(life: Life, disk: LogDisk, random: Random): Promise<void> {
  let engine: Engine | undefined;
  for (let step = 20 + Math.floor(random() * 60); step > 0 && !disk.isDead; step -= 1) {
    engine ??= await life.open();
    if (engine === undefined) continue;
    const kind = random();
    if (kind < 0.8) {
      if (await life.commit(engine)) continue;
    } else if (kind < 0.9) {
      await life.compact(engine);
      continue;
    }
    await engine.close();
    engine = undefined;
  }
  await engine?.close();
}

test('G29 law 7 law 8 calls that fail and crashes, in turns: every store opens, with every acknowledged commit', async () => {
  let told = 0;
  // The last one once failed: a segment that could not be removed was taken for one that went on behind a hole.
  for (const seed of [...Array.from({ length: histories }, (_, i) => i + 1), 190]) {
    const random = seeded(seed * 7919);
    let disk = new LogDisk();
    const history = new History(random);
    let acked = 0;
    for (let round = 0; round < 6; round += 1) {
      const crashAt = disk.ops + 5 + Math.floor(random() * 500);
      const share = random() < 0.3 ? 0 : random() * 0.08;
      const keeps = random() < 0.5 ? 0.5 : 0;
      disk.before = ({ number, kind }): Fault => {
        if (number === crashAt) return 'crash';
        if (kind === 'remove' && random() < keeps) return 'EACCES'; // somebody looks at the file
        return random() < share ? codes[Math.floor(random() * codes.length)] : undefined;
      };
      const life = new Life(disk, history, acked, `seed ${seed}, round ${round}`);
      await live(life, disk, random);
      ({ acked } = life);
      told += life.told;
      disk = random() < 0.5 ? disk.crash(random) : disk.afterDeath();
      const after = new Life(disk, history, acked, `seed ${seed}, behind round ${round}`);
      const engine = await after.open();
      expect(engine, `seed ${seed}, behind round ${round}: opens when nothing fails`).toBeDefined();
      await engine?.close();
      ({ acked } = after);
    }
  }
  expect(told).toBeGreaterThan(histories);
}, 3_600_000);
