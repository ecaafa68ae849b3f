import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { file, open } from '../src/index.ts';
import { temporaryFolder } from './helpers.ts';

interface Known {
  /** The newest acknowledged sequence number of each writer, and its revision. */
  readonly acked: Map<string, { readonly seq: number; readonly revision: number }>;
  /** The newest one that may be there. */
  readonly tried: Map<string, number>;
  /** The next sequence number nobody has used. */
  next: number;
}

/** Lets a writer run until it has acknowledged `acks` transactions, kills it, and notes what it said. */
async function writeAndKill(place: string, known: Known, acks: number): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'crash-child.mjs'), place, String(known.next)]);
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  let rest = '';
  let seen = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [kind, id = '', seq, revision] = line.split(' ');
      if (kind === 'try') {
        known.tried.set(id, Number(seq));
        known.next = Math.max(known.next, Number(seq) + 1);
      } else if (kind === 'ack') {
        known.acked.set(id, { seq: Number(seq), revision: Number(revision) });
        if (++seen === acks) process.kill(child.pid ?? 0, 'SIGKILL');
      }
    }
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  expect({ code, signal, complaints }).toEqual({ code: null, signal: 'SIGKILL', complaints: '' });
}

test.each([
  ['a folder', 'data'],
  ['LevelDB', 'level'],
  ['one file', 'store.db'],
])(
  'R21, law 7: after kill -9 every acknowledged write is there, and nothing is torn (%s)',
  async (_, name) => {
    const kills = process.env.VARVE_LARGE === '1' ? 50 : 5;
    const place = temporaryFolder(name);
    const known: Known = { acked: new Map(), tried: new Map(), next: 1 };
    for (let kill = 0; kill < kills; kill++) {
      await writeAndKill(place, known, 20 + ((kill * 37) % 200));
      await using kv = await open(name.endsWith('.db') ? file(place) : place);
      const newest = Math.max(...[...known.acked.values()].map(({ revision }) => revision));
      expect(kv.revision).toBeGreaterThanOrEqual(newest);
      for (const [id, tried] of known.tried) {
        const parts = await Promise.all([0, 1, 2].map((part) => kv.get(`w${id}/${part}`)));
        const values = new Set(parts.map((part) => part?.value));
        expect(values.size).toBe(1);
        const value = parts[0]?.value;
        const seq = value === undefined ? 0 : Number.parseInt(value, 10);
        if (value !== undefined) expect(value).toBe(`${seq}:${'x'.repeat(seq % 700)}`);
        expect(seq).toBeGreaterThanOrEqual(known.acked.get(id)?.seq ?? 0);
        expect(seq).toBeLessThanOrEqual(tried);
      }
    }
  },
  300_000,
);
