// Checks that never fail check nothing: each structure is broken on purpose, and its check says which rule does not hold.
import { expect, test } from 'vitest';
import { EventQueue } from '../src/places/event-queue.ts';
import { checkNodes, type Node } from '../src/places/interval-tree.ts';
import type { Watcher } from '../src/places/watcher.ts';
import { bytes, FROM_KEY, open, places, type Fixture } from './support.ts';

const foo = bytes('foo');

/** Two synced watchers of one stream, one of another, a victim that one watches with, and two unsynced ones. */
async function crowd(): Promise<Fixture> {
  const f = await open({ queueCapacity: 3 });
  await f.puts('foo', 2);
  const [full, other] = [f.store.newWatchStream(), f.store.newWatchStream()];
  full.watch(bytes('filler'), undefined);
  await f.puts('filler', 3);
  full.watch(foo, FROM_KEY);
  await f.puts('foo', 1);
  for (const from of [0, 0, 2, 3]) other.watch(foo, undefined, { from });
  f.store.newWatchStream().watch(foo, undefined);
  expect(places(f)).toBe('4 synced, 2 unsynced, 1 victims');
  f.check();
  return f;
}

/** The first watcher at the place. */
function at(f: Fixture, place: Watcher['place']): Watcher {
  for (const watcher of f.watchers.all()) if (watcher.place === place) return watcher;
  throw new Error(`nobody is ${place}`);
}

const damages: readonly (readonly [rule: string, damage: (f: Fixture) => void])[] = [
  ['SY1', (f) => void (at(f, 'synced').slot = 7)],
  ['SY2', (f) => void (fanned(f).fan!.ids[0] = 99)],
  ['WG1', (f) => void (at(f, 'synced').range.users = 0)],
  ['WG1', (f) => void at(f, 'synced').range.touched.push(0)],
  ['WG2', (f) => void at(f, 'synced').range.syncedN--],
  ['COH1', (f) => void at(f, 'unsynced').minRevision++],
  ['WH4', (f) => f.watchers.places.cohorts.remove(at(f, 'unsynced'))],
  ['WH4', (f) => f.watchers.places.group.leave(at(f, 'synced'))],
  ['COH1', (f) => f.watchers.places.waits(at(f, 'unsynced'))],
  ['VI1', (f) => void (at(f, 'synced').held = at(f, 'victim').held)],
  ['VI1', (f) => void at(f, 'victim').heldWeight++],
  ['VI2', (f) => void at(f, 'victim').queue.take()],
  ['VI3', (f) => void (at(f, 'victim').previousVictim = at(f, 'synced'))],
  ['VI4', (f) => at(f, 'victim').queue.waiters.addUnsynced(at(f, 'victim'))],
  ['EQ1', (f) => void Reflect.set(at(f, 'victim').queue, 'capacity', 2)],
  ['EQ2', (f) => at(f, 'victim').queue.seat(() => undefined)],
  [
    'RCN1',
    (f) => f.watchers.places.recent.add({ revision: f.store.rev() + 1, hasLease: false, changes: [] }, f.store.rev()),
  ],
];

function fanned(f: Fixture): Watcher {
  for (const watcher of f.watchers.all()) if (watcher.fan !== undefined) return watcher;
  throw new Error('nobody is in a fan');
}

test.each(damages)('%s is missed when it is broken (%#)', async (rule, damage) => {
  const f = await crowd();
  damage(f);
  expect(() => f.check()).toThrow(rule);
});

test('EQ4 a queue that has been read holds no history', () => {
  const queue = new EventQueue(4);
  const response = { type: 'progress', watchId: 0, revision: 2 } as const;
  for (let i = 0; i < 9; i++) {
    for (let j = 0; j < 1 + (i % 4); j++) queue.offer(response, j * 10);
    queue.checkInvariants();
    while (queue.take() !== undefined) queue.checkInvariants();
    expect(queue.batchesWanted).toBe(4);
  }
});

type Named = Pick<Node<string>, 'start' | 'end'> & Partial<Node<string>>;

function node(of: Named): Node<string> {
  return { value: of.start, max: of.end, height: 1, left: undefined, right: undefined, ...of };
}

test.each<readonly [rule: string, tree: Node<string>]>([
  ['IT1', node({ start: 'b', end: 'c', height: 2, left: node({ start: 'b', end: 'c' }) })],
  ['IT1', node({ start: 'b', end: 'c', height: 2, right: node({ start: 'a', end: 'c' }) })],
  ['IT2', node({ start: 'b', end: 'c', height: 2 })],
  ['IT2', chain(['a', 'b', 'c'])],
  ['IT3', node({ start: 'b', end: 'c', height: 2, left: node({ start: 'a', end: undefined }) })],
])('%s is missed when it is broken (%#)', (rule, tree) => {
  expect(() => checkNodes(tree)).toThrow(rule);
});

function chain([first = '', ...rest]: readonly string[]): Node<string> {
  const right = rest.length === 0 ? undefined : chain(rest);
  return node({ start: first, end: 'd', height: rest.length + 1, right });
}
