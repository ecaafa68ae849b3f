/**
 * `varve serve`: opens the store, serves it until it is told to end, and closes it.
 *
 *     varve: serving ./varve-data on http://127.0.0.1:2379          the first line, when the first call is answered
 *
 * VSV1  Told to end, it answers what has begun, ends streams, and closes the store: nothing that was acknowledged is lost (R92).
 */
import { createServer } from '@varve/server';
import type { World } from './cli.ts';
import { openLog } from './log.ts';
import { openLayers } from './open-layers.ts';
import type { ServeOptions } from './serve-options.ts';

export async function serve({ data, host, port, engine, tls }: ServeOptions, { out, signal }: World): Promise<void> {
  const log = openLog();
  const layers = await openLayers(engine, data);
  try {
    for (const warning of layers.backend.warnings) log.warn({ engine }, warning);
    const server = await createServer(layers, { host, port, tls });
    try {
      out(`varve: serving ${data} on ${server.url}\n`);
      log.info({ engine, revision: layers.store.rev(), bytes: layers.backend.size }, 'serving');
      await ended(signal, layers.backend.failure);
      log.info({ revision: layers.store.rev() }, 'stopping');
    } finally {
      await server.close();
    }
  } finally {
    await layers.close();
  }
  log.info({}, 'stopped');
}

/** Resolves when one of the signals aborts; a commit that has failed ends the program with its error. */
function ended(stop: AbortSignal, failure: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (): void => reject(failure.reason as Error);
    if (failure.aborted) failed();
    else failure.addEventListener('abort', failed, { once: true });
    if (stop.aborted) resolve();
    else stop.addEventListener('abort', () => resolve(), { once: true });
  });
}
