/** Processes that die, and folders as a power cut leaves them (P1, P2, law 7, R21 to R23, R41). */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  bytes,
  child,
  counts,
  create,
  digests,
  type Form,
  forms,
  killed,
  linesOf,
  open,
  put,
  Reader,
  rows,
  temporaryPath,
  text,
} from './level-support.ts';

const KILLS = 5;

/** Every so many commits the writing child compacts, and LevelDB begins a new log. */
const COMPACTS_EVERY = 40;

/** A folder as it was after its last commit, the log not yet replaced, with acknowledged commits in it. */
async function unclosed(commits: number, form: Form): Promise<string> {
  for (let attempt = 0; attempt < 10; attempt++) {
    const path = temporaryPath();
    const writer = child('write', path, '1', form);
    let acked = 0;
    for await (const line of linesOf(writer)) {
      acked = Number(line.slice('ack '.length));
      if (line === `ack ${commits}`) await killed(writer);
    }
    // Under load the child comes further before it dies, and may just have compacted.
    if (acked % COMPACTS_EVERY >= 5) return path;
  }
  throw new Error('ten writers were killed right after a compaction');
}

function newestLog(path: string): string {
  const logs = fs.readdirSync(path).filter((name) => name.endsWith('.log'));
  return join(path, logs.toSorted().at(-1) as string);
}

describe.each(forms)('commits told of: %s', (form) => {
  test(`R21, law 7: killed ${KILLS} times while it commits and compacts, every acknowledged commit is there, and whole`, async () => {
    const path = temporaryPath();
    const reader = new Reader();
    let acked = 0;
    for (let round = 0; round < KILLS; round++) {
      const writer = child('write', path, String(acked + 1), form);
      const until = acked + 25 + round * 13;
      for await (const line of linesOf(writer)) {
        acked = Number(line.slice('ack '.length));
        if (acked === until) await killed(writer); // what is still in the pipe is read on
      }
      const shown = await reader.show(path);
      const states = digests(acked + 1, form);
      // The commit after the last acknowledged one is in doubt: there wholly or not at all.
      expect([acked, acked + 1]).toContain(states.indexOf(shown?.digest ?? ''));
      expect(await reader.show(path)).toEqual({ digest: shown?.digest, different: 0, invented: 0, warnings: [] });
      acked = states.indexOf(shown?.digest ?? '');
    }
  });

  test('R22: a torn end that was not acknowledged is left out with a warning, once', async () => {
    const path = await unclosed(20, form);
    const whole = fs.readFileSync(newestLog(path));
    const ends: readonly Buffer[] = [
      Buffer.alloc(5000), // the file grew, its bytes never came
      Buffer.from([1, 2, 3]),
      Buffer.concat([whole.subarray(0, 100), Buffer.alloc(400)]).map((byte) => byte ^ 0x55) as Buffer,
      whole.subarray(0, 30), // a batch that begins and does not end
    ];
    for (const end of ends) {
      const torn = `${path}-torn`;
      fs.cpSync(path, torn, { recursive: true });
      fs.writeFileSync(newestLog(torn), Buffer.concat([whole, end]));
      const engine = await open(torn);
      expect(engine.warnings).toEqual([expect.stringMatching(/incomplete.*left out/)]);
      expect(Number(text(engine, 'n', counts))).toBeGreaterThanOrEqual(20);
      await engine.close();
      const again = await open(torn);
      expect(again.warnings).toEqual([]);
      await again.close();
      fs.rmSync(torn, { recursive: true });
    }
  });

  test.each(['the same', 'a new'])(
    'R22, law 7: a stored log in a torn commit, in %s log, is no reason to refuse the store',
    async (where) => {
      const path = temporaryPath();
      let engine = await open(path);
      await engine.commit([create(), put('a', '1'), put('b', '2')]);
      const stored = fs.readFileSync(newestLog(path));
      if (where === 'a new') {
        await engine.close();
        engine = await open(path);
      }
      const start = fs.statSync(newestLog(path)).size;
      const mark = fs.readFileSync(join(path, 'SEQUENCE'));
      const value = Buffer.concat([new Uint8Array(600), stored]);
      await engine.commit([{ type: 'put', bucket: rows, key: bytes('backup'), value }]);
      const log = fs.readFileSync(newestLog(path)).fill(0, start, start + 512);
      await engine.close();
      fs.writeFileSync(newestLog(path), log);
      fs.writeFileSync(join(path, 'SEQUENCE'), mark);
      engine = await open(path);
      expect(engine.warnings).toEqual([expect.stringMatching(/incomplete.*left out/)]);
      expect([text(engine, 'b'), text(engine, 'backup')]).toEqual(['2', undefined]);
    },
  );

  test('R23: dying in the middle of recovery, after LevelDB made its next log, is recovered from', async () => {
    const path = await unclosed(20, form);
    const log = newestLog(path);
    fs.appendFileSync(log, Buffer.from([9, 9, 9, 9, 9]));
    const next = join(path, `${String(Number.parseInt(log.slice(-10), 10) + 9).padStart(6, '0')}.log`);
    fs.writeFileSync(next, '');
    const engine = await open(path);
    expect(engine.warnings).toHaveLength(1);
    expect(Number(text(engine, 'n', counts))).toBeGreaterThanOrEqual(20);
  });

  test('R22: a MANIFEST with a torn end, which LevelDB refuses, opens with a warning', async () => {
    const path = await unclosed(20, form);
    const manifest = join(path, fs.readFileSync(join(path, 'CURRENT'), 'latin1').trim());
    fs.appendFileSync(manifest, Buffer.from([1, 2, 3, 4, 2, 0, 1, 7, 7]));
    const engine = await open(path);
    expect(engine.warnings).toEqual([expect.stringMatching(/MANIFEST.*cut off/)]);
    expect(Number(text(engine, 'n', counts))).toBeGreaterThanOrEqual(20);
  });

  test('R43: acknowledged commits that were cut off the log of a killed process are damage, not a torn end', async () => {
    const path = await unclosed(20, form);
    const log = newestLog(path);
    const { length } = fs.readFileSync(log);
    for (const cut of [Math.floor(length / 2), 1, 0]) {
      fs.truncateSync(log, cut);
      await expect(open(path)).rejects.toMatchObject({
        code: 'BACKEND_CORRUPT',
        message: expect.stringMatching(/acknowledged/) as unknown,
      });
    }
  });
});
