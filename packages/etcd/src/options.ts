/**
 * What `connect` may be told, checked before anything is reached.
 *
 * EOP1  Messages never contain a password or a key (R3).
 */
import type { ClusterOptions, ConnectOptions } from '@varve/api';
import { checkInteger, checkNames, checkOptionalInteger, invalidType, outOfRange } from '@varve/api/implement';
import { nodeWorld } from '@varve/base/node/world';
import { check, type Faults } from '@varve/base/options';
import { isWorld, type World } from '@varve/base/world';

/** The options with their defaults. */
export interface Settings {
  readonly auth: { readonly user: string; readonly password: string } | undefined;
  readonly tls: ClusterOptions['tls'];
  readonly timeoutMs: number;
  readonly attemptTimeoutMs: number;
  readonly serializable: boolean;
  readonly inOrder: boolean;
  readonly syncIntervalMs: number | undefined;
  readonly watchBuffer: number;
  readonly world: World;
}

const names: Record<keyof ConnectOptions, true> = {
  auth: true,
  tls: true,
  timeoutMs: true,
  attemptTimeoutMs: true,
  reads: true,
  writeOrder: true,
  syncIntervalMs: true,
  watchBuffer: true,
  key: true,
  value: true,
  limits: true,
  world: true,
};
const authNames = ['user', 'password'];
const tlsNames = ['ca', 'cert', 'key', 'serverName'];
const longestMs = 0x7fffffff;
const faults: Faults = { type: invalidType, range: outOfRange };

/** @throws TypeError, RangeError `KV_INVALID` */
export function settingsOf<K, V, W>(options: ConnectOptions<K, V, W>, secure: boolean): Settings {
  checkNames(options, 'options', Object.keys(names));
  const { timeoutMs = 15_000, attemptTimeoutMs = 5000, syncIntervalMs, watchBuffer = 8192 } = options;
  const { auth, tls, reads = 'linearizable', writeOrder = 'called', world = nodeWorld } = options;
  check(world, 'world', isWorld, faults);
  checkInteger(timeoutMs, 'timeoutMs', 1, longestMs);
  checkInteger(attemptTimeoutMs, 'attemptTimeoutMs', 1, longestMs);
  checkOptionalInteger(syncIntervalMs, 'syncIntervalMs', 100, longestMs);
  checkInteger(watchBuffer, 'watchBuffer', 1, Number.MAX_SAFE_INTEGER);
  if (reads !== 'linearizable' && reads !== 'serializable')
    throw invalidType('reads must be "linearizable" or "serializable"');
  if (writeOrder !== 'called' && writeOrder !== 'any') throw invalidType('writeOrder must be "called" or "any"');
  if (auth !== undefined) {
    checkNames(auth, 'auth', authNames);
    if (typeof auth.user !== 'string' || auth.user === '' || typeof auth.password !== 'string')
      throw invalidType('auth must have a user and a password, both text');
  }
  if (tls !== undefined) checkTls(tls, secure);
  return {
    auth: auth && { user: auth.user, password: auth.password },
    tls,
    timeoutMs,
    attemptTimeoutMs,
    serializable: reads === 'serializable',
    inOrder: writeOrder === 'called',
    syncIntervalMs,
    watchBuffer,
    world: world as World,
  };
}

function checkTls(tls: NonNullable<ClusterOptions['tls']>, secure: boolean): void {
  checkNames(tls, 'tls', tlsNames);
  if (!secure) throw invalidType('tls is for names that begin with etcds: or etcd+unixs:');
  for (const name of ['ca', 'cert', 'key'] as const) {
    const pem: unknown = tls[name];
    if (pem !== undefined && typeof pem !== 'string' && !(pem instanceof Uint8Array))
      throw invalidType(`tls.${name} must be PEM, as text or bytes`);
  }
  if ((tls.cert === undefined) !== (tls.key === undefined)) throw invalidType('tls.cert and tls.key go together');
  if (tls.serverName !== undefined && (typeof tls.serverName !== 'string' || tls.serverName === ''))
    throw invalidType('tls.serverName must be text');
}
