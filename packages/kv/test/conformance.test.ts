/** The suite that every `Kv` must pass, on each engine. */
import { kvConformance, type OpenKv, type ReopenKv } from '@varve/api/conformance';
import { describe, test } from 'vitest';
import { open, type Location } from '../src/index.ts';
import { durableEngines, engines, temporaryFolder } from './helpers.ts';

describe.each(engines)('laws 1 to 5: on %s', (name, place) => {
  const paths = new WeakMap<object, string>();
  const openAt = (path: string | undefined): Location => place(path);
  const openNew: OpenKv = async (codecs) => {
    const path = name === 'memory' ? undefined : temporaryFolder('store');
    const kv = await open(openAt(path), codecs);
    if (path !== undefined) paths.set(kv, path);
    return kv;
  };
  const reopen: ReopenKv = async (closed) => {
    const path = paths.get(closed)!;
    const kv = await open(openAt(path));
    paths.set(kv, path);
    return kv;
  };
  const outlives = durableEngines.some(([durable]) => durable === name);
  kvConformance({ test, open: openNew, reopen: outlives ? reopen : undefined });
});
