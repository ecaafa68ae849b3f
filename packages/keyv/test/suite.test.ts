/** Keyv's own suite for storage adapters, on every engine and over the wire. */
import keyvSuite, { keyvIteratorTests, keyvNamespaceTest } from '@keyv/test-suite';
import { Keyv } from 'keyv';
import * as vitest from 'vitest';
import { keyvStore } from '../src/index.ts';
import { places, type Place } from './places.ts';

for (const [name, open] of places) {
  // Some of its tests give a second to what takes milliseconds, on a machine that has nothing else to do.
  vitest.describe(`keyv's suite on ${name}`, { retry: 3 }, () => {
    let place: Place;
    vitest.beforeAll(async () => {
      place = await open();
    });
    vitest.afterAll(async () => {
      await place[Symbol.asyncDispose]();
    });
    const store = () => keyvStore(place.kv);
    // Some hundred calls over the wire, one after another: all of them where time does not count.
    if (name !== 'an etcd' || process.env['VARVE_LARGE'] === '1') keyvSuite(vitest, Keyv, store);
    else keyvNamespaceTest(vitest, Keyv, store);
    keyvIteratorTests(vitest, Keyv, store);
  });
}
