import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { placeOf } from '../src/fair/place.ts';
import { WaitingLine } from '../src/fair/waiting-line.ts';

/** `address/connection/name`; what is behind a colon only tells jobs apart. */
const placeIn = (job: string): string[] => job.split(':')[0]!.split('/');

function line(most: number, jobs: string): { line: WaitingLine<string>; out: string[] } {
  const made = new WaitingLine<string>(most);
  const out: string[] = [];
  for (const job of words(jobs)) {
    const pushed = made.add(job, placeIn(job));
    if (pushed !== undefined) out.push(pushed);
  }
  return { line: made, out };
}

function words(text: string): string[] {
  return text === '' ? [] : text.split(' ');
}

function drained(from: WaitingLine<string>): string[] {
  const jobs: string[] = [];
  for (let job = from.next(); job !== undefined; job = from.next()) jobs.push(job);
  return jobs;
}

describe('R113, SVWL1: whose turn it is', () => {
  test.each([
    ['one after another, of one who asks', 'a/1/x:1 a/1/x:2 a/1/x:3', 'a/1/x:1 a/1/x:2 a/1/x:3'],
    ['addresses in turn', 'a/1/x:1 a/1/x:2 a/1/x:3 b/1/x', 'a/1/x:1 b/1/x a/1/x:2 a/1/x:3'],
    ['connections of one address in turn', 'a/1/x:1 a/1/x:2 a/1/x:3 a/2/x', 'a/1/x:1 a/2/x a/1/x:2 a/1/x:3'],
    ['names on one connection in turn', 'a/1/x:1 a/1/x:2 a/1/x:3 a/1/y', 'a/1/x:1 a/1/y a/1/x:2 a/1/x:3'],
    ['many connections are one address', 'a/1/x a/2/x a/3/x b/1/x b/1/y', 'a/1/x b/1/x a/2/x b/1/y a/3/x'],
    ['many names are one connection', 'a/1/x a/1/y a/1/z a/2/x', 'a/1/x a/2/x a/1/y a/1/z'],
  ])('%s', (_, jobs, order) => {
    expect(drained(line(10, jobs).line).join(' ')).toBe(order);
  });

  test('who comes again stands behind those who have waited', () => {
    const { line: waiting } = line(10, 'a/1/x:1 a/1/x:2 b/1/x:1 c/1/x:1');
    expect(waiting.next()).toBe('a/1/x:1');
    expect(waiting.next()).toBe('b/1/x:1');
    waiting.add('b/1/x:2', placeIn('b/1/x:2'));
    expect(drained(waiting)).toEqual(['c/1/x:1', 'a/1/x:2', 'b/1/x:2']);
  });
});

test.each([
  ['nobody rests', '', 'a/1/x:1 b/1/x c/1/x a/1/x:2'],
  ['who rests is passed over', 'a', 'b/1/x c/1/x'],
  ['all but one', 'a b', 'c/1/x'],
  ['all rest', 'a b c', ''],
])('R113, SVPS4: %s', (_, resting, order) => {
  const { line: waiting } = line(10, 'a/1/x:1 a/1/x:2 b/1/x c/1/x');
  const mayGo = (key: string): boolean => !words(resting).includes(key);
  const jobs: string[] = [];
  for (let job = waiting.next(mayGo); job !== undefined; job = waiting.next(mayGo)) jobs.push(job);
  expect(jobs.join(' ')).toBe(order);
  expect(waiting.size).toBe(4 - jobs.length);
});

describe('R113, SVWL2: who is refused when four wait', () => {
  test.each([
    ['one who fills it alone', 'a/1/x:1 a/1/x:2 a/1/x:3 a/1/x:4', 'a/1/x:5', 'a/1/x:5'],
    ['who fills it, where another address comes', 'a/1/x:1 a/1/x:2 a/1/x:3 a/1/x:4', 'b/1/x', 'a/1/x:4'],
    ['who fills it, where another connection comes', 'a/1/x:1 a/1/x:2 a/1/x:3 a/1/x:4', 'a/2/x', 'a/1/x:4'],
    ['who fills it, where another name comes', 'a/1/x:1 a/1/x:2 a/1/x:3 a/1/x:4', 'a/1/y', 'a/1/x:4'],
    ['the longest of its names', 'a/1/x a/1/y:1 a/1/y:2 a/1/z', 'b/1/x', 'a/1/y:2'],
    ['the newest of many connections', 'a/1/x a/2/x:1 a/2/x:2 a/3/x', 'b/1/x', 'a/2/x:2'],
    ['many names of one connection, where another comes', 'a/1/x a/1/y a/1/z a/1/w', 'a/2/x', 'a/1/x'],
    ['a newcomer who would have more than the other', 'a/1/x:1 a/1/x:2 b/1/x:1 b/1/x:2', 'b/1/x:3', 'b/1/x:3'],
    ['a newcomer where all have as much', 'a/1/x b/1/x c/1/x d/1/x', 'e/1/x', 'e/1/x'],
    ['a newcomer who would only change places', 'a/1/x:1 a/1/x:2 b/1/x c/1/x', 'b/1/x:2', 'b/1/x:2'],
    ['its own other name', 'a/1/x:1 a/1/x:2 b/1/x b/1/y', 'a/1/z', 'a/1/x:2'],
  ])('%s', (_, jobs, newcomer, refused) => {
    const { line: waiting, out } = line(4, `${jobs} ${newcomer}`);
    expect(out).toEqual([refused]);
    const expected = [...words(jobs), newcomer].filter((job) => job !== refused);
    expect(drained(waiting).toSorted()).toEqual(expected.toSorted());
  });
});

test('SVWL2: whatever others do, three addresses that share the room each have their part of it', () => {
  const steps = fc.array(fc.constantFrom('a', 'a', 'a', 'a', 'b', 'c', 'take'), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (taken) => {
      const waiting = new WaitingLine<string>(6);
      const counts = new Map(['a', 'b', 'c'].map((name) => [name, 0]));
      const count = (job: string, by: number): void => void counts.set(job[0]!, counts.get(job[0]!)! + by);
      taken.forEach((step, at) => {
        if (step === 'take') {
          const job = waiting.next();
          if (job !== undefined) count(job, -1);
          return;
        }
        const job = `${step}/${at % 3}/x:${at}`;
        const before = counts.get(step)!;
        const out = waiting.add(job, placeIn(job));
        count(job, 1);
        if (out !== undefined) count(out, -1);
        if (before < 2) expect(counts.get(step)).toBe(before + 1);
      });
      const sum = [...counts.values()].reduce((all, one) => all + one);
      expect(waiting.size).toBe(sum);
      expect(drained(waiting)).toHaveLength(sum);
    }),
  );
});

test('SVWL3: one that does not wait any more has no room, and leaves no lane', () => {
  const { line: waiting } = line(4, 'a/1/x:1 a/1/x:2 b/1/x');
  expect(waiting.delete('a/1/x:1', placeIn('a/1/x'))).toBe(true);
  expect(waiting.delete('a/1/x:1', placeIn('a/1/x'))).toBe(false);
  expect(waiting.delete('c/1/x', placeIn('c/1/x'))).toBe(false);
  expect(waiting.delete('b/1/x', placeIn('b/1/x'))).toBe(true);
  expect(waiting.size).toBe(1);
  expect(drained(waiting)).toEqual(['a/1/x:2']);
  expect(waiting.next()).toBeUndefined();
});

test.each([
  ['1.2.3.4:5678', '1.2.3.4'],
  ['::ffff:1.2.3.4:5678', '1.2.3.4'],
  ['2001:db8:1:2:3:4:5:6:5678', '2001:db8:1:2'],
  ['2001:db8::6:5678', '2001:db8:0:0'],
  ['2001:db8:1:2:3::6:5678', '2001:db8:1:2'],
  ['::1:5678', '0:0:0:0'],
  ['unknown', 'unknown'],
])('SVPE2: passwords of %s wait with those of %s', (peer, network) => {
  expect(placeOf(peer, 'u1')).toEqual([network, peer, 'u1']);
});
