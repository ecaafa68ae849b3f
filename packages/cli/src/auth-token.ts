/**
 * etcd's way to say which tokens a server gives, in one word.
 *
 *     simple
 *     jwt,sign-method=RS256,priv-key=key.pem,pub-key=key.pub,ttl=5m
 *
 * VAT1  Key files are read here, once: a wrong one is said before anything is opened.
 * VAT2  A part that nobody knows is an error, while etcd only warns: a misspelt `ttl` would go unnoticed.
 *
 * etcd: server/auth/store.go, options.go (spec server-api.md 10.4).
 */
import type { AuthServerOptions } from '@varve/server';
import { durationMs } from './duration.ts';
import { UsageError } from './failures.ts';

const parts = ['sign-method', 'priv-key', 'pub-key', 'ttl'];

/** @param option its name, for messages @throws UsageError; Error for a file that cannot be read */
export function readAuthToken(
  option: string,
  text: string,
  read: (path: string) => Uint8Array,
): AuthServerOptions['authToken'] {
  const [kind, ...rest] = text.split(',');
  if (kind === 'simple' && rest.length === 0) return 'simple';
  if (kind !== 'jwt') throw new UsageError(`${option} ${text}: simple, or jwt,sign-method=...`);
  const given = new Map<string, string>();
  for (const part of rest) {
    const at = part.indexOf('=');
    const name = part.slice(0, at);
    if (at < 0 || !parts.includes(name)) throw new UsageError(`${option}: ${part} is none of ${parts.join(', ')}`);
    given.set(name, part.slice(at + 1));
  }
  const signMethod = given.get('sign-method');
  if (signMethod === undefined) throw new UsageError(`${option}: sign-method is missing, such as RS256`);
  const file = (name: string): Uint8Array | undefined => {
    const path = given.get(name);
    if (path === undefined) return undefined;
    try {
      return read(path);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${option}: ${name} ${path} cannot be read (${why})`, { cause });
    }
  };
  const ttl = given.get('ttl');
  return {
    signMethod,
    privateKey: file('priv-key'),
    publicKey: file('pub-key'),
    ttl: ttl === undefined ? undefined : seconds(`${option}: ttl`, ttl),
  };
}

/** @param text of a time that is to come */
function seconds(option: string, text: string): number {
  const ms = /\d/.test(text) && !text.startsWith('-') ? durationMs(text) : undefined;
  if (ms === undefined) throw new UsageError(`${option} ${text}: a duration, such as 5m`);
  return ms / 1000;
}
