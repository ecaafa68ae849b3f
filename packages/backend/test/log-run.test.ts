/** Where the rows of a bucket lie in one file: columns that grow, are cut, and are read, without a copy of all of them in one tick. */
import { endianness } from 'node:os';
import { expect, test } from 'vitest';
import { LiveFile } from '../src/engines/log/files/live-file.ts';
import { readRuns, writeRuns } from '../src/engines/log/format/run-table.ts';
import { Probe } from '../src/engines/log/rows/probe.ts';
import { Run } from '../src/engines/log/rows/run.ts';
import { revision } from './log-support.ts';

const file = new LiveFile('/store', { kind: 'log', number: 1, salt: 7, firstCommit: 1, end: 0 });
const probe = new Probe();

function push(run: Run, main: number, key: Uint8Array = revision(main)): void {
  run.push(probe.set(key, 0, key.length), main % 1000, 100 * main);
}

function filled(rowN: number): Run {
  const run = new Run(file, 3);
  for (let main = 1; main <= rowN; main += 1) push(run, main);
  return run;
}

function expectRows(run: Run, rowN: number): void {
  expect(run.rowN).toBe(rowN);
  for (let index = 0; index < rowN; index += 1) {
    const main = index + 1;
    if (
      run.offset(index) !== 100 * main ||
      run.valueLength(index) !== main % 1000 ||
      run.rowLength(index) <= main % 1000
    )
      throw new Error(`row ${index} is another one`);
    const key = revision(main);
    if (run.find(probe.set(key, 0, key.length), rowN) !== index) throw new Error(`revision ${main} is not found`);
  }
}

const columns = ({ deltas, subs, lengths, offsets }: Run): readonly unknown[] => [deltas, subs, lengths, offsets];

function changed(before: readonly unknown[], after: readonly unknown[]): number {
  return after.filter((column, at) => column !== before[at]).length;
}

test('LGRN4 law 10 no two columns of a long run grow for the same row', () => {
  const run = filled(1000);
  let grown = 0;
  let most = 0;
  for (let main = 1001; main <= 50_000; main += 1) {
    const before = columns(run);
    push(run, main);
    const more = changed(before, columns(run));
    most = Math.max(most, more);
    grown += more;
  }
  expect(most).toBe(1);
  expect(grown).toBeGreaterThan(8);
  expectRows(run, 50_000);
});

test('LGRN4 law 10 a run is cut a column a step, and stays what it is', () => {
  const run = filled(1100);
  let before = columns(run);
  let cut = 0;
  for (const steps = run.trim(); steps.next().done !== true; before = columns(run)) {
    expect(changed(before, columns(run))).toBeLessThanOrEqual(1);
    cut += changed(before, columns(run));
    expectRows(run, 1100);
  }
  expect(cut).toBeGreaterThan(0);
  for (const column of columns(run)) expect((column as Uint32Array).length).toBeLessThanOrEqual(1100 * 1.125);
  expectRows(run, 1100);
});

test.each([64, 65])(
  'law 10 columns are read where they lie, or copied where that is at an odd place: %i rows',
  (rowN) => {
    const whole = Buffer.concat(writeRuns([{ run: filled(rowN), rowN }]));
    for (const shift of [0, 1, 4]) {
      const memory = new Uint8Array(whole.length + shift);
      memory.set(whole, shift);
      const [run] = readRuns(memory.subarray(shift), file) ?? [];
      expectRows(run!, rowN);
      if (endianness() === 'LE') expect(run!.lengths.buffer === memory.buffer).toBe(shift !== 1);
      // It goes on behind them, and leaves them as they are.
      push(run!, rowN + 1);
      expectRows(run!, rowN + 1);
      expect(Buffer.compare(memory.subarray(shift), whole)).toBe(0);
    }
  },
);

test('LGRN2 keys that are no revisions, and offsets beyond 4 GiB, are read from any place', () => {
  const run = new Run(file, 3);
  const keys = Array.from({ length: 100 }, (_, i) =>
    Buffer.from(`key ${String(i).padStart(3, '0')}${'+'.repeat(i % 7)}`),
  );
  for (const [i, key] of keys.entries()) run.push(probe.set(key, 0, key.length), i, i * 2 ** 30);
  for (const rowN of [99, 100]) {
    const whole = Buffer.concat(writeRuns([{ run, rowN }]));
    for (const shift of [0, 4]) {
      const memory = new Uint8Array(whole.length + shift);
      memory.set(whole, shift);
      const [read] = readRuns(memory.subarray(shift), file) ?? [];
      expect(Array.from({ length: rowN }, (_, i) => [read!.key(i), read!.offset(i)].map(String))).toEqual(
        keys.slice(0, rowN).map((key, i) => [new Uint8Array(key), i * 2 ** 30].map(String)),
      );
    }
  }
});
