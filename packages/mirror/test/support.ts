/** Stores of bytes, and what they were told. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytes, open, type Location } from '@varve/kv';
import { onTestFinished } from 'vitest';
import type { ByteKv } from '../src/index.ts';
import { s } from './texts.ts';

export { b, s } from './texts.ts';

export async function opened(location: Location): Promise<ByteKv> {
  const kv = await open(location, { key: bytes, value: bytes });
  onTestFinished(() => kv.close());
  return kv;
}

/** The store, some of whose calls are others. */
export function instead(store: ByteKv, calls: Record<string, unknown>): ByteKv {
  return new Proxy(store, {
    get: (target, name) => {
      const other = calls[String(name)];
      if (other !== undefined) return other;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'varve-mirror-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Everything a store was told of each key, in order: `undefined` for a deletion. */
export async function storyOf(kv: ByteKv): Promise<Record<string, (string | undefined)[]>> {
  const story: Record<string, (string | undefined)[]> = {};
  for await (const event of kv.changes({}, { since: 1 })) {
    const key = s(event.key);
    if (key.startsWith('\0varve/')) continue;
    (story[key] ??= []).push(event.value && s(event.value));
  }
  return story;
}
