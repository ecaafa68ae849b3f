/**
 * `varve-etcd` at work: opens the store, serves it, and says in etcd's words how far it is.
 *
 * ESV1  `ready to serve client requests`, `published` and `enabled capabilities for version` stand in the log when the first call is
 *     answered, not before: others wait for these lines.
 * ESV2  Told to end, it answers what has begun, and closes the store (R92).
 */
import { createServer } from '@varve/server';
import { hasEtcdStore, openEtcdLayers } from '../open-layers.ts';
import { UsageError } from '../failures.ts';
import { ended } from '../serve.ts';
import { notify } from '../systemd.ts';
import { shownAt } from './addresses.ts';
import { startAutoCompaction } from './auto-compaction.ts';
import { every, nowMs } from './clock.ts';
import type { EtcdLog } from './etcd-log.ts';
import type { EtcdWorld } from './run-etcd.ts';
import type { Given } from './read-flags.ts';
import { readSettings, type Settings } from './settings.ts';

/** The version of etcd that clients are told. */
export const ETCD_VERSION = '3.6.0';

export async function serveEtcd(given: Given, log: EtcdLog, { signal, environment }: EtcdWorld): Promise<void> {
  const settings = readSettings(given);
  const { name, data, advertised, places, remarks } = settings;
  for (const remark of remarks) log.say('warn', 'etcdmain', remark);
  const isThere = hasEtcdStore(data);
  if (given.values['initial-cluster-state'] === 'existing' && !isThere) {
    throw new UsageError(`--initial-cluster-state existing: there is no data in ${data}, and no cluster to join`);
  }
  log.say('info', 'etcdserver', `name = ${name}`, { name });
  log.say('info', 'etcdserver', `data dir = ${data}`, { 'data-dir': data });
  if (isThere)
    log.say('notice', 'etcdmain', `the server is already initialized as member before, starting as etcd member...`);
  log.say('info', 'etcdserver', `advertise client URLs = ${advertised.join(',')}`, {
    'advertise-client-urls': advertised,
  });
  for (const { plain, secure, host, path } of places) {
    if (plain && !secure && given.values['cert-file'] !== '') {
      const scheme = path === undefined ? `at ${host} is HTTP` : `at ${path} is unix`;
      const what = `The scheme of client url ${scheme} while key/cert files are presented`;
      log.say('warn', 'embed', `${what}. Ignored key/cert files.`);
    }
  }
  const layers = await openEtcdLayers(data);
  try {
    for (const warning of layers.backend.warnings) log.say('warn', 'mvcc', warning);
    const { store } = layers;
    const server = await createServer(layers, {
      ...settings.server,
      version: ETCD_VERSION,
      onSlowCall: ({ method, ms, code, untold }) => {
        const facts = { took: `${ms.toFixed(1)}ms`, method, code, untold };
        log.say('warn', 'etcdserver', 'apply request took too long', facts);
      },
    });
    const compaction = {
      rev: () => store.rev(),
      compact: (revision: number) => store.compact(revision),
      nowMs,
      every,
    };
    const stopCompaction = startAutoCompaction(settings.retention, compaction, log);
    try {
      sayReady(log, settings);
      const untold = await notify(environment, 'READY=1', process.pid);
      if (untold !== undefined) log.say('warn', 'etcdmain', untold);
      await ended(signal, layers.backend.failure);
      log.say('notice', 'pkg/osutil', `received ${String(signal.reason)} signal, shutting down...`);
      await notify(environment, 'STOPPING=1', process.pid);
    } finally {
      stopCompaction();
      await server.close();
    }
  } finally {
    await layers.close();
  }
}

function sayReady(log: EtcdLog, { name, advertised, places }: Settings): void {
  const version = ETCD_VERSION.replace(/\.\d+$/, '');
  const facts = { 'local-member-name': name, 'advertise-client-urls': advertised };
  log.say('notice', 'etcdserver/membership', `set the initial cluster version to ${version}`, { version });
  log.say('info', 'etcdserver/api', `enabled capabilities for version ${version}`, { 'cluster-version': version });
  log.say('info', 'etcdserver', `published {Name:${name} ClientURLs:[${advertised.join(' ')}]} to the cluster`, facts);
  log.say('info', 'embed', 'ready to serve client requests');
  for (const place of places) {
    const { plain, secure, path } = place;
    const at = shownAt(place);
    // Nobody reaches a Unix socket from elsewhere: what etcd discourages is not discouraged there.
    if (secure || path !== undefined) log.say('info', 'embed', `serving client requests on ${at}`, { address: at });
    if (plain && path === undefined) {
      const words = `serving insecure client requests on ${at}, this is strongly discouraged!`;
      log.say('notice', 'embed', words, { address: at });
    }
  }
}
