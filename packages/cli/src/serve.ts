/**
 * `varve serve`: opens the store, serves it until it is told to end, and closes it.
 *
 *     varve: serving ./varve-data on http://127.0.0.1:2379          the first line, when the first call is answered; or on unix:///PATH
 *
 * VSV1  One warning, not one a minute, where others can reach it without TLS.
 * VSV2  Told to end, it answers what has begun, ends streams, and closes the store: nothing that was acknowledged is lost (R92).
 */
import { createServer, type SlowCall } from '@varve/server';
import type { World } from './cli.ts';
import { openLog } from './log.ts';
import { openLayers } from './open-layers.ts';
import { isLoopback, type ServeOptions } from './serve-options.ts';
import { activatedSocket, notify } from './systemd.ts';

export async function serve(options: ServeOptions, { out, signal, environment = process.env }: World): Promise<void> {
  const { data, listen, engine, tls, auth, cors, hostWhitelist } = options;
  const fd = activatedSocket(environment, process.pid);
  const log = openLog();
  const onSlowCall = ({ method, ms, code, untold }: SlowCall): void => {
    const took = { took: `${ms.toFixed(1)}ms`, 'expected-duration': '100ms' };
    log.warn({ ...took, method, code, untold }, 'apply request took too long');
  };
  const layers = await openLayers(engine, data);
  try {
    for (const warning of layers.backend.warnings) log.warn({ engine }, warning);
    const server = await createServer(layers, { ...listen, fd, tls, onSlowCall, cors, hostWhitelist, ...auth });
    try {
      out(`varve: serving ${engine === 'memory' ? 'a store in memory' : data} on ${server.url}\n`);
      log.info({ engine, url: server.url, revision: layers.store.rev(), bytes: layers.backend.size }, 'serving');
      // Whom a Unix socket lets in, the rights of its file say.
      if (tls === undefined && server.path === undefined && !isLoopback(server.host)) {
        log.warn({ host: server.host }, 'everybody who reaches this address can read and write: no TLS');
      }
      const untold = await notify(environment, 'READY=1', process.pid);
      if (untold !== undefined) log.warn({}, untold);
      await ended(signal, layers.backend.failure);
      log.info({ revision: layers.store.rev() }, 'stopping');
      await notify(environment, 'STOPPING=1', process.pid);
    } finally {
      await server.close();
    }
  } finally {
    await layers.close();
  }
  log.info({}, 'stopped');
}

/** Resolves when one of the signals aborts; a commit that has failed ends the program with its error. */
export function ended(stop: AbortSignal, failure: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (): void => reject(failure.reason as Error);
    if (failure.aborted) failed();
    else failure.addEventListener('abort', failed, { once: true });
    if (stop.aborted) resolve();
    else stop.addEventListener('abort', () => resolve(), { once: true });
  });
}
