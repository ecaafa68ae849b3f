/** Stores of bytes, and what the tests say in texts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytes, open, type Location } from '@varve/kv';
import { onTestFinished } from 'vitest';
import type { ByteKv } from '../src/index.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const b = (text: string): Uint8Array => encoder.encode(text);
export const s = (array: Uint8Array): string => decoder.decode(array);

export async function opened(location: Location): Promise<ByteKv> {
  const kv = await open(location, { key: bytes, value: bytes });
  onTestFinished(() => kv.close());
  return kv;
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
