import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { logEngine } from '../src/engines/log/index.ts';
import { temporaryPath } from './file-support.ts';
import { records, revision } from './log-support.ts';

const child = fileURLToPath(new URL('log-child.mjs', import.meta.url));
const kills = process.env['VARVE_LARGE'] === '1' ? 60 : 8;

/** Lets a process write until it has said so many lines, and kills it. @returns the last revision it was promised */
async function killed(path: string, seed: number, lines: number): Promise<number> {
  const writer = spawn(process.execPath, [child, path, String(seed)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  let isKilled = false;
  writer.stdout.on('data', (bytes: Buffer) => {
    text += bytes.toString();
    if (isKilled || text.split('\n').length <= lines) return;
    isKilled = true;
    writer.kill('SIGKILL');
  });
  const [, signal] = (await once(writer, 'close')) as [number | null, string | null];
  expect(signal, text).toBe('SIGKILL');
  return Number(text.trimEnd().split('\n').at(-1));
}

test('G15 R21 R41 law 7 a store whose process is killed again and again opens with every acknowledged row', async () => {
  const path = temporaryPath();
  for (let round = 1; round <= kills; round += 1) {
    const promised = await killed(path, round * 11, 3 + ((round * 17) % 60));
    const engine = await logEngine(path, { segmentBytes: 1 << 16, verify: true });
    const newest = Number(Buffer.from((await engine.last?.(records))!).readBigUInt64BE(0));
    expect(newest).toBeGreaterThanOrEqual(promised);
    for (let main = 1; main <= newest; main += 1) {
      const value = engine.get(records, revision(main));
      if (main % 3 === 0) expect(value, `revision ${main}`).toBeUndefined();
      else
        expect(
          value?.every((byte) => byte === (main & 0xff)),
          `revision ${main}`,
        ).toBe(true);
    }
    await engine.close();
  }
}, 300_000);
