/**
 * Opening a follower: a replica, then a source that it follows.
 *
 * FOP1  Options are checked before anything is opened; what was opened is closed again when opening fails, and an engine that was given with it.
 */
import { bytes, utf8, type ClusterName, type Codec, type KeyCodec, type Kv } from '@varve/api';
import { KeySpace, withCodecs } from '@varve/api/implement';
import { onAbort, until } from '@varve/base/abort';
import { deferred } from '@varve/base/deferred';
import { hostWorld } from '@varve/base/host';
import { openReplica, type Replica } from '@varve/kv/layers';
import type { ByteKv, FollowClusterOptions, FollowOptions, Follower } from './contract.ts';
import { Copy } from './copy.ts';
import { FollowerCore } from './core.ts';
import { FollowerKv } from './follower-kv.ts';
import { Following } from './following.ts';
import { Lag } from './lag.ts';
import { rangeText, readNote } from './note.ts';
import { checkFollow } from './options.ts';

type AnyOptions<K, V, W> = FollowClusterOptions<K, V, W>;

/** Options with a codec for keys. */
export interface FollowKeyOptions<K> extends FollowClusterOptions<K> {
  /** How keys are stored in the source. */
  readonly key: KeyCodec<K>;
  /** Not given: values are strings. */
  readonly value?: undefined;
}

/** Options with a codec for values. */
export interface FollowValueOptions<K extends string, V, W> extends FollowClusterOptions<K, V, W> {
  /** How values are stored in the source. */
  readonly value: Codec<V, W>;
}

/** Options with both. */
export interface FollowBothOptions<K, V, W> extends FollowClusterOptions<K, V, W> {
  /** How keys are stored in the source. */
  readonly key: KeyCodec<K>;
  /** How values are stored in the source. */
  readonly value: Codec<V, W>;
}

/**
 * Follows a source: a name such as `etcd://a:2379,b:2379`, which is opened with the option `cluster` and closed with the follower; or any open
 * store of bytes (`open(place, { key: bytes, value: bytes })`), which stays open.
 * Resolves when there is something to read: the copy that was kept, or a first one.
 * @throws TypeError, RangeError `KV_INVALID`; KvError `KV_REPLACED` for a copy of another source; what the source says when it cannot be copied
 * @throws BackendError `BACKEND_FOREIGN` for a location that holds a store of another kind, and as `open`
 */
export function openFollower<K, V, W = V>(
  source: ClusterName | ByteKv,
  options: FollowBothOptions<K, V, W>,
): Promise<Follower<K, V, W>>;
export function openFollower<K extends string, V, W = V>(
  source: ClusterName | ByteKv,
  options: FollowValueOptions<K, V, W>,
): Promise<Follower<K, V, W>>;
export function openFollower<K>(source: ClusterName | ByteKv, options: FollowKeyOptions<K>): Promise<Follower<K>>;
// The last one: before, it would take json() for a codec of strings.
export function openFollower(source: ClusterName | ByteKv, options?: FollowClusterOptions): Promise<Follower>;
export async function openFollower<K, V, W>(
  source: ClusterName | ByteKv,
  options: AnyOptions<K, V, W> = {},
): Promise<Follower<K, V, W>> {
  const undo: (() => Promise<unknown>)[] = [];
  const { location } = options;
  if (location !== undefined && typeof location !== 'string') undo.push(async () => (await location).close());
  try {
    checkFollow(source, options);
    options.signal?.throwIfAborted();
    return await opened(source, options, undo);
  } catch (error) {
    // The first failure is the one to know; closing what it left may well fail, too.
    for (const close of undo.toReversed()) await close().catch(() => undefined);
    throw error;
  }
}

async function opened<K, V, W>(
  given: ClusterName | ByteKv,
  options: AnyOptions<K, V, W>,
  undo: (() => Promise<unknown>)[],
): Promise<Follower<K, V, W>> {
  // Where no codec is given the type parameter has its default, string.
  const { key = utf8 as unknown as KeyCodec<K>, value = utf8 as unknown as Codec<V, W> } = options;
  const { range = {}, world = hostWorld, location, cacheBytes, waitMs = 10_000, maxBehindMs, signal } = options;
  const { elsewhere = 'source', readYourWrites = true, checkMs = 1000, retryMs = 5000, historyRevisions } = options;
  const space = new KeySpace(key);
  const bounds = new KeySpace(bytes).bounds(range);
  const isAll = range.prefix === undefined && range.start === undefined && range.end === undefined;
  const closes: { core?: FollowerCore } = {};
  const lag = new Lag(world.clock);
  const synced = deferred<void>();
  const isSynced = (): boolean => lag.behind(0).ms !== undefined;
  const onVisible = (revision: number): void => {
    lag.came(revision);
    closes.core?.arrivals.came(revision);
    if (isSynced()) synced.resolve();
  };
  const replica: Replica = await openReplica({ location, cacheBytes, world: options.world, onVisible });
  undo.splice(0, undo.length, () => replica.close());
  const note = replica.note && readNote(replica.note, rangeText(bounds));
  if (note !== undefined) {
    replica.advance(note.revision);
    // Of the revision that it was made of, nobody knows what was deleted.
    if (note.base > 0) replica.loseEvents(note.base + 1);
  }
  const source = typeof given === 'string' ? await connected(given, options) : given;
  const closeSource = async (): Promise<void> => (source === given ? undefined : source.close());
  undo.push(closeSource);
  const there = sourceView<K, V, W>(source, options, key, value);
  const core = new FollowerCore({
    source,
    replica,
    bounds: isAll ? undefined : bounds,
    refuses: elsewhere === 'refuse',
    readYourWrites,
    waitMs,
    maxBehindMs,
    world,
    lag,
    synced,
    closeSource,
  });
  closes.core = core;
  const hasCopy = deferred<void>();
  if (note !== undefined && note.gap !== true) hasCopy.resolve();
  core.following = new Following({
    source,
    replica,
    view: replica.view(bytes, bytes),
    range: { ...range },
    copy: new Copy({ replica, bounds, note, clock: world.clock, historyRevisions }),
    lag,
    world,
    checkMs,
    retryMs,
    onCopy: () => hasCopy.resolve(),
    onSynced: () => synced.resolve(),
    onOver: (reason) => {
      hasCopy.reject(reason);
      core.end(reason);
    },
  });
  undo.splice(0, undo.length, () => core.close());
  core.following.start();
  await until(hasCopy.promise, signal);
  if (signal !== undefined) core.letGo = onAbort(signal, () => void core.close().catch(() => undefined));
  const view = { here: replica.view(key, value as unknown as Codec<V>), there, space };
  return new FollowerKv(core, view, true);
}

/** The source as users write to it. A store of bytes that has no other codecs is fine as long as nobody wants others. */
function sourceView<K, V, W>(
  source: ByteKv,
  options: FollowOptions<K, V, W>,
  key: KeyCodec<K>,
  value: Codec<V, W>,
): Kv<K, V, W> {
  const wantsBytes = (options.key as unknown) === bytes && (options.value as unknown) === bytes;
  if (wantsBytes) return source as unknown as Kv<K, V, W>;
  return withCodecs(source, key, value as unknown as Codec<V>) as unknown as Kv<K, V, W>;
}

async function connected<K, V, W>(name: ClusterName, options: FollowClusterOptions<K, V, W>): Promise<ByteKv> {
  const { open } = await import('@varve/kv');
  return open(name, { ...options.cluster, key: bytes, value: bytes });
}
