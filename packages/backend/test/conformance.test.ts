import { expect, test } from 'vitest';
import { deferred, engineConformance, failing } from '../src/conformance/index.ts';
import type { Engine } from '../src/index.ts';
import { memoryEngine } from '../src/engines/memory.ts';
import { b } from './helpers.ts';

/** The suite's tests of an engine, by name, not run yet. */
function collected(open: () => Promise<Engine>, knownGaps?: readonly string[]): Map<string, () => Promise<void>> {
  const found = new Map<string, () => Promise<void>>();
  engineConformance({ test: (name, body) => void found.set(name, body), open, knownGaps });
  return found;
}

function only(tests: ReadonlyMap<string, () => Promise<void>>, key: string): () => Promise<void> {
  return [...tests].find(([name]) => name.startsWith(`${key}:`))![1];
}

/** Loses the empty value: a gap. */
function lossy(): Engine {
  const inner = memoryEngine();
  return new Proxy(inner, {
    get(target, name) {
      if (name === 'get') {
        return (...args: Parameters<Engine['get']>) => {
          const value = target.get(...args);
          return value?.length === 0 ? undefined : value;
        };
      }
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member as () => unknown).bind(target) : member;
    },
  });
}

test('Q1 keys are unique, and scenarios of reopening are left out where nothing is kept', () => {
  const names = [...collected(async () => memoryEngine()).keys()].map((name) => name.split(':')[0]);
  expect(new Set(names).size).toBe(names.length);
  expect(names.some((name) => name!.includes('reopen'))).toBe(false);
});

test('Q2 a gap fails unless it is known; a known one that passes fails; so does one that does not exist', async () => {
  const open = async (): Promise<Engine> => lossy();
  await expect(only(collected(open), 'reads/empty-value')()).rejects.toThrow();
  await only(collected(open, ['reads/empty-value']), 'reads/empty-value')();
  await expect(only(collected(open, ['reads/exact']), 'reads/exact')()).rejects.toThrow('take it out of knownGaps');
  await expect(only(collected(open, ['reads/no-such']), 'reads/no-such')()).rejects.toThrow('no such scenario');
});

test('R77 the failing wrapper fails from the commit on that it was asked for', async () => {
  const change = { type: 'createBucket', bucket: { id: 1, name: 'a', appendOnly: false } } as const;
  const error = new Error('own');
  for (const applied of [false, true]) {
    const engine = failing(memoryEngine(), 2, { error, applied });
    await engine.commit([change]);
    const put = { type: 'put', bucket: change.bucket, key: b('k'), value: b('v') } as const;
    await expect(engine.commit([put])).rejects.toBe(error);
    await expect(engine.commit([])).rejects.toBe(error);
    expect(engine.get(change.bucket, b('k')) !== undefined).toBe(applied);
    await engine.close();
  }
});

test('R77 the deferring wrapper answers late, and a snapshot of it is of the state of the call all the same', async () => {
  const change = { type: 'createBucket', bucket: { id: 1, name: 'a', appendOnly: false } } as const;
  const inner = memoryEngine();
  const asked: string[] = [];
  const snapshot = async (): Promise<never> => {
    asked.push(...inner.buckets());
    throw new Error('own');
  };
  const engine = deferred(Object.assign(inner, { snapshot }), 3);
  await engine.commit([change]);
  const late = engine.snapshot!();
  expect(asked).toEqual(['a']);
  await expect(late).rejects.toThrow('own');
  await engine.close();
});
