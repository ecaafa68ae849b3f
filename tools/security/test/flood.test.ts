/**
 * Each attack for a moment: the server lives, who behaves is answered, and memory stays. How long they waited depends on the machine
 * here, and is measured by `node tools/security/flood.mjs`.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { attacks, loginAttacks } from '../lib/attacks.mjs';
import { GoodClient } from '../lib/good-client.mjs';
import { runAttack } from '../lib/run-attack.mjs';
import { serve, type Served } from '../lib/served.mjs';

const seconds = process.env['VARVE_LARGE'] === '1' ? 10 : 0.7;
const MOST_BYTES = 128 * 1024 * 1024;

let server: Served;
let client: GoodClient;
beforeAll(async () => {
  server = await serve();
  client = new GoodClient(server.address);
  await client.putLarge(1_000_000);
});
afterAll(async () => {
  client.close();
  await server.close();
});

test.each(Object.keys(attacks))('R97, R99 to R104: %s', (name) => survives(name));

test.each(Object.keys(loginAttacks))('R113: %s', async (name) => {
  await client.enableAuth();
  await survives(name);
});

async function survives(name: string): Promise<void> {
  const { count, calls, failures, before, most } = await runAttack(name, server, client, seconds);
  expect(count).toBeGreaterThan(0);
  expect(failures).toEqual([]);
  expect(calls).toBeGreaterThanOrEqual(2);
  expect(most - before).toBeLessThan(MOST_BYTES);
  expect(server.isAlive()).toBe(true);
  expect(server.complaints()).not.toMatch(/\n\s+at /);
}
