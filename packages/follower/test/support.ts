/** Sources of bytes, followers of them, and what the tests say in texts. */
import { setImmediate } from 'node:timers/promises';
import { bytes, memory, open, type EmbeddedKv, type Entry, type Location } from '@varve/kv';
import { onTestFinished } from 'vitest';
import { openFollower, type FollowClusterOptions, type Follower } from '../src/index.ts';

export type ByteStore = EmbeddedKv<Uint8Array, Uint8Array>;

const encoder = new TextEncoder();

export const b = (text: string): Uint8Array => encoder.encode(text);

/** An embedded source. */
export async function source(location: Location = memory()): Promise<ByteStore> {
  const kv = await open(location, { key: bytes, value: bytes });
  onTestFinished(() => kv.close());
  return kv;
}

export async function follow(from: ByteStore, options: FollowClusterOptions = {}): Promise<Follower> {
  const follower = await openFollower(from, { waitMs: 60_000, ...options });
  onTestFinished(() => follower.close());
  return follower;
}

export async function put(kv: ByteStore, key: string, value: string): Promise<number> {
  return (await kv.put(b(key), b(value))).revision;
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await setImmediate();
}

/** What `work` ends with, which should fail. */
export async function failure(work: () => unknown): Promise<Error & { code?: string; compactRevision?: number }> {
  try {
    await work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('it should have failed');
}

/** Everything of an entry. */
export function shown(entries: Iterable<Entry<string, string>>): string[] {
  return Array.from(
    entries,
    (entry) =>
      `${entry.key}=${entry.value} v${entry.version} c${entry.createRevision} m${entry.modRevision} ${entry.lease ?? ''}`,
  );
}
