/** LGRN1, LGRN2, LGFT1: a run is read back as it was written, over the bytes that were read where they can be its columns. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LiveFile } from '../src/engines/log/files/live-file.ts';
import { readRuns, writeRuns } from '../src/engines/log/format/run-table.ts';
import { DeadBits } from '../src/engines/log/rows/dead-bits.ts';
import { Probe } from '../src/engines/log/rows/probe.ts';
import { RunView } from '../src/engines/log/rows/run-view.ts';
import { Run } from '../src/engines/log/rows/run.ts';
import { revision } from './log-support.ts';

const file = new LiveFile('/store', { kind: 'log', number: 1, salt: 1, firstCommit: 1, end: 4096 });

interface Row {
  readonly key: Uint8Array;
  readonly valueLength: number;
  readonly place: number;
}

/** Rows in order: revisions, some of them tombstones, or from `words` on keys of other shapes; places of more than 32 bits where they begin `far`. */
const rows = fc
  .record({
    steps: fc.array(fc.record({ gap: fc.nat(3), isTombstone: fc.boolean(), valueLength: fc.nat(70_000) }), {
      minLength: 1,
      maxLength: 90,
    }),
    words: fc.option(fc.nat(90), { nil: undefined }),
    far: fc.boolean(),
  })
  .map(({ steps, words, far }) => {
    let main = 5;
    let place = far ? 2 ** 32 - 100_000 : 64;
    return steps.map(({ gap, isTombstone, valueLength }, i): Row => {
      main += 1 + gap;
      place += 100 + valueLength;
      const isWord = words !== undefined && i >= words;
      const key = isWord ? Buffer.from(`word/${String(main).padStart(5, '0')}`) : revision(main, gap, isTombstone);
      return { key, valueLength, place };
    });
  });

function runOf(of: readonly Row[], bucket: number): Run {
  const run = new Run(file, bucket);
  const probe = new Probe();
  for (const { key, valueLength, place } of of) run.push(probe.set(key), valueLength, place);
  return run;
}

function told(run: Run): Row[] {
  return Array.from({ length: run.rowN }, (_, i) => ({
    key: new Uint8Array(run.key(i)),
    valueLength: run.valueLength(i),
    place: run.offset(i),
  }));
}

test('LGRN1, LGRN2, LGFT1: runs read back have the rows that were written, and take more behind them', () => {
  fc.assert(
    fc.property(fc.array(rows, { minLength: 1, maxLength: 4 }), fc.boolean(), (lists, isOdd) => {
      const runs = lists.map((list, i) => runOf(list, i + 1));
      const bytes = Buffer.concat(writeRuns(runs.map((run) => ({ run, rowN: run.rowN }))));
      // Where columns of eight bytes lie is chance; so is, for these, whether the bytes begin at a multiple of four.
      const from = new Uint8Array(bytes.length + 1).subarray(isOdd ? 1 : 0).subarray(0, bytes.length);
      from.set(bytes);
      const read = readRuns(from, file)!;
      expect(read.map(told)).toEqual(runs.map(told));
      for (const [i, run] of read.entries()) {
        const more = { key: revision(1_000_000), valueLength: 3, place: 2 ** 33 };
        const last = run.plain === undefined ? more : { ...more, key: Buffer.from('zzz') };
        run.push(new Probe().set(last.key), last.valueLength, last.place);
        expect(told(run)).toEqual([...told(runs[i]!), { ...last, key: new Uint8Array(last.key) }]);
      }
      expect(new Uint8Array(bytes), 'what was read is not written').toEqual(new Uint8Array(from));
    }),
  );
});

test('LGRN2: what lives of a run has the bytes of its rows, less those of the deleted ones', () => {
  fc.assert(
    fc.property(rows, fc.array(fc.nat(89)), (list, deleted) => {
      const run = runOf(list, 1);
      const dead = new DeadBits();
      for (const index of new Set(deleted)) if (index < run.rowN) dead.add(index);
      const sum = (isCounted: (index: number) => boolean): number =>
        list.reduce((bytes, _, i) => bytes + (isCounted(i) ? run.rowLength(i) : 0), 0);
      expect(run.bytes).toBe(sum(() => true));
      expect(RunView.whole({}, run).liveBytes).toBe(run.bytes);
      expect(RunView.whole({}, run, dead).liveBytes).toBe(sum((i) => !dead.has(i)));
    }),
  );
});
