/** The checker, on histories that one store has made, and on the same with one mistake in them. */
import { describe, expect, test } from 'vitest';
import { check, type Change, type History, type Read, type Write } from '../lib/check.mjs';

/** A store in one piece, whose calls take effect at some moment between their beginning and their end. */
function correct(seed: number): Mutable {
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const first = 7;
  let revision = first;
  const changes: Change[] = [];
  const writes: Write[] = [];
  const reads: Read[] = [];
  const now = new Map<string, Change>();
  for (let at = 0; at < 400; at++) {
    const key = `k${random(5)}`;
    // Effects are one behind the other, and calls overlap.
    const effect = 10 * at + 500;
    const [began, ended] = [effect - 1 - random(60), effect + 1 + random(60)];
    if (random(2) === 0) {
      const found = now.get(key);
      const there = found?.value !== undefined;
      reads.push({ key, value: found?.value, modRevision: there ? found.revision : 0, began, ended });
      continue;
    }
    const value = random(6) === 0 && now.get(key)?.value !== undefined ? undefined : `v${at}`;
    const isLost = random(12) === 0;
    const isDone = !isLost || random(2) === 0;
    if (isDone) {
      const change = { revision: ++revision, key, value };
      changes.push(change);
      now.set(key, change);
    }
    writes.push({ key, value, began, ended: isLost ? undefined : ended, revision: isLost ? undefined : revision });
  }
  const from = first + 20;
  const events = changes.filter((change) => change.key.startsWith('k') && change.revision >= from);
  const held = [
    { key: 'lease', began: 90, from: 100, until: 1000, gone: 1100 },
    // Its put was never answered.
    { key: 'lease', began: 1400, from: undefined, until: Number.POSITIVE_INFINITY, gone: undefined },
  ];
  reads.push({ key: 'lease', value: 'x', modRevision: 3, began: 200, ended: 210 });
  reads.push({ key: 'lease', value: undefined, modRevision: 0, began: 1200, ended: 1210 });
  reads.push({ key: 'lease', value: 'x', modRevision: 9, began: 1410, ended: 1420 });
  return { first, changes, writes, reads, watches: [{ prefix: 'k', from, until: revision, events }], held };
}

type Mutable = { -readonly [Name in keyof History]: History[Name] extends readonly (infer T)[] ? T[] : History[Name] };

test.each(Array.from({ length: 40 }, (_, i) => i + 1))(
  'LIN1 to LIN5: what one store has made holds, seed %i',
  (seed) => {
    const { problems, unknown, done, notDone } = check(correct(seed));
    expect(problems).toEqual([]);
    expect([unknown > 0, done + notDone]).toEqual([true, unknown]);
  },
);

/** Each takes a history and puts one mistake into it. */
const mistakes: Readonly<Record<string, (history: Mutable) => void>> = {
  'LIN1: an acknowledged write is lost': (history) => {
    const lost = history.writes.find(({ revision }) => revision !== undefined)?.revision;
    history.changes = history.changes.filter(({ revision }) => revision !== lost);
  },
  'LIN1: a write has another value than its writer wrote': (history) => {
    const at = history.changes.findIndex(({ value }) => value !== undefined);
    history.changes[at] = { ...history.changes[at]!, value: 'other' };
  },
  'LIN1: nobody has written what is there': (history) => {
    history.changes.push({ revision: 100_000, key: 'k1', value: 'phantom' });
  },
  'LIN1: two writes have one revision': (history) => {
    const [a, b] = history.writes.filter(({ revision }) => revision !== undefined);
    history.writes[history.writes.indexOf(b!)] = { ...b!, revision: a!.revision };
  },
  'LIN2: a later write has the lower revision': (history) => {
    const told = history.writes.filter(({ revision }) => revision !== undefined);
    const [a, b] = [told[0]!, told.at(-1)!];
    history.writes[history.writes.indexOf(a)] = { ...a, began: b.began + 1000, ended: b.began + 1001 };
  },
  'LIN3: a read is stale': (history) => {
    const old = history.changes.find(({ value }) => value !== undefined)!;
    const [began, ended] = [90_000, 90_001];
    history.reads.push({ key: old.key, value: old.value, modRevision: old.revision, began, ended });
  },
  'LIN3: a read finds nothing where something was acknowledged': (history) => {
    const last = new Map(history.changes.map((change) => [change.key, change]));
    const { key } = [...last.values()].find(({ value }) => value !== undefined)!;
    history.changes = history.changes.filter((change) => change.key !== key || change.value !== undefined);
    history.writes = history.writes.filter((write) => write.key !== key || write.value !== undefined);
    history.watches = [];
    history.reads.push({ key, value: undefined, modRevision: 0, began: 90_000, ended: 90_001 });
  },
  'LIN3: a read goes back behind another read': (history) => {
    const [a, b] = history.changes.filter(({ key }) => key === 'k1').slice(-2);
    history.writes = history.writes.filter(({ key }) => key !== 'k1');
    history.writes.push(
      ...[a!, b!].map(({ key, value }) => ({ key, value, began: 0, ended: undefined, revision: undefined })),
    );
    history.changes = history.changes.filter((change) => change.key !== 'k1' || change === a || change === b);
    history.reads = history.reads.filter(({ key }) => key !== 'k1');
    history.watches = [];
    for (const [i, { key, value, revision }] of [b!, a!].entries())
      history.reads.push({
        key,
        value,
        modRevision: value === undefined ? 0 : revision,
        began: 80_000 + 10 * i,
        ended: 80_001 + 10 * i,
      });
  },
  'LIN3: a read finds what was called later': (history) => {
    const write = history.writes.findLast(({ revision, value }) => revision !== undefined && value !== undefined)!;
    const { key, value, revision = 0 } = write;
    history.reads.push({ key, value, modRevision: revision, began: write.began - 20, ended: write.began - 10 });
  },
  'LIN3: a read finds what never was': (history) => {
    history.reads.push({ key: 'k1', value: 'never', modRevision: 9, began: 90_000, ended: 90_001 });
  },
  'LIN4: a watch has a gap': ({ watches }) => {
    watches[0] = { ...watches[0]!, events: watches[0]!.events.toSpliced(5, 1) };
  },
  'LIN4: a watch says something twice': ({ watches }) => {
    const { events } = watches[0]!;
    watches[0] = { ...watches[0]!, events: events.toSpliced(5, 0, events[5]!) };
  },
  'LIN4: a watch turns two round': ({ watches }) => {
    const { events } = watches[0]!;
    watches[0] = { ...watches[0]!, events: events.toSpliced(5, 2, events[6]!, events[5]!) };
  },
  'LIN4: a watch ends too early': ({ watches }) => {
    watches[0] = { ...watches[0]!, events: watches[0]!.events.slice(0, -1) };
  },
  'LIN5: the key of a lease goes while it is held': ({ reads }) => {
    reads.push({ key: 'lease', value: undefined, modRevision: 0, began: 300, ended: 310 });
  },
  'LIN5: the key of a lease stays when it was revoked': ({ reads }) => {
    reads.push({ key: 'lease', value: 'x', modRevision: 3, began: 1300, ended: 1310 });
  },
};

describe('one mistake is found', () => {
  test.each(Object.entries(mistakes))('%s', (title, mistake) => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const history = correct(seed);
      if (title.includes('goes back')) {
        // Two puts, so that either can be read.
        history.changes.push(
          { revision: 50_000, key: 'k1', value: 'one' },
          { revision: 50_001, key: 'k1', value: 'two' },
        );
      }
      mistake(history);
      expect(check(history).problems.length).toBeGreaterThan(0);
    }
  });
});
