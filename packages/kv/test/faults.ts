/** Stores that break one promise each, and the test that the suite for every `Kv` finds it. */
import { kvConformance, type OpenKv } from '@varve/api/conformance';
import { expect, test } from 'vitest';
import { memory, open, type Items, type Kv } from '../src/index.ts';
import { collect } from './helpers.ts';

export type AnyKv = Kv;
export type Fault = (kv: AnyKv) => Partial<AnyKv>;

/** The same store, but for some members. */
export function changed(kv: AnyKv, members: Partial<AnyKv>): AnyKv {
  return new Proxy(kv, {
    get(target, name) {
      const member: unknown = Object.hasOwn(members, name) ? Reflect.get(members, name) : Reflect.get(target, name);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

export async function* without<T>(
  items: AsyncIterable<T>,
  drops: (item: T, index: number) => boolean,
): AsyncGenerator<T> {
  let index = 0;
  for await (const item of items) if (!drops(item, index++)) yield item;
}

/** The same items, but for some, to be pulled or taken whole. */
export function fewer<T>(items: Items<T>, drops: (item: T, index: number) => boolean): Items<T> {
  const some = { [Symbol.asyncIterator]: () => without(items, drops) };
  return { ...some, toArray: () => collect(some) };
}

/** A lease may take a second to run out, and some scenarios have three. */
const slow = new Set(['leases/expiry', 'leases/keep-alive', 'leases/ttl-of-a-put']);

/** A test for each fault: none of the scenarios of these keys holds. */
export function testFaults(faults: readonly (readonly [string, Fault, readonly string[]])[]): void {
  test.each(faults)('%s', async (_, fault, keys) => {
    const kept: AsyncDisposable[] = [];
    const openBroken: OpenKv = async (codecs) => {
      const kv = await open(memory(), codecs);
      kept.push(kv);
      return changed(kv as unknown as AnyKv, fault(kv as unknown as AnyKv)) as unknown as typeof kv;
    };
    const scenarios = new Map<string, () => Promise<void>>();
    kvConformance({ test: (name, body) => scenarios.set(name.slice(0, name.indexOf(':')), body), open: openBroken });
    for (const key of keys) {
      const ended = (async () => scenarios.get(key)!())().then(
        () => 'it passes',
        (error: unknown) => (error as Error).message,
      );
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<string>((resolve) => {
        timer = setTimeout(resolve, slow.has(key) ? 9000 : 1000, 'it waits for what never comes');
      });
      expect(await Promise.race([ended, late]), key).not.toBe('it passes');
      clearTimeout(timer);
    }
    for (const kv of kept) await kv[Symbol.asyncDispose]();
  });
}
