/**
 * The URLs of etcd's flags, and the addresses that they are listened to at.
 *
 * EAD1  As etcd: a scheme, a host, a port, and nothing behind; what is listened to is an address or `localhost`, which is 127.0.0.1.
 * EAD2  Where one address is named with http and with https, it serves both.
 *
 * etcd: pkg/types/urls.go, embed/config.go. Departs: unix sockets are refused for clients.
 */
import { isIP } from 'node:net';
import { UsageError } from '../failures.ts';

export interface Address {
  readonly scheme: 'http' | 'https' | 'unix' | 'unixs';
  readonly host: string;
  readonly port: number;
  /** As it was written. */
  readonly text: string;
}

/** What one socket is for. */
export interface Place {
  readonly host: string;
  readonly port: number;
  readonly plain: boolean;
  readonly secure: boolean;
}

/** @param text URLs, separated by commas @throws UsageError */
export function readAddresses(flag: string, text: string): readonly Address[] {
  const addresses = new Map<string, Address>();
  for (const part of text.split(',')) {
    const url = part.trim();
    if (url !== '') addresses.set(url, readAddress(flag, url));
  }
  return [...addresses.values()];
}

function readAddress(flag: string, text: string): Address {
  const match = /^(?:([a-z]+):\/\/)?([^/?#]*)(.*)$/s.exec(text);
  const [, scheme, host = '', rest] = match ?? [];
  if (scheme !== 'http' && scheme !== 'https' && scheme !== 'unix' && scheme !== 'unixs') {
    throw new UsageError(`--${flag}: URL scheme must be http, https, unix, or unixs: ${text}`);
  }
  const place = /^(?:\[([^\]]+)\]|([^:]*)):(\d+)$/.exec(host);
  const port = Number(place?.[3]);
  if (place === null || port > 65_535) {
    throw new UsageError(`--${flag}: URL address does not have the form "host:port": ${text}`);
  }
  if (rest !== '') throw new UsageError(`--${flag}: URL must not contain a path: ${text}`);
  return { scheme, host: place[1] ?? place[2] ?? '', port, text };
}

/** Where to listen for these. @throws UsageError */
export function placesOf(flag: string, addresses: readonly Address[]): readonly Place[] {
  const places = new Map<string, Place>();
  for (const { scheme, host, port, text } of addresses) {
    if (scheme === 'unix' || scheme === 'unixs') {
      throw new UsageError(`--${flag} ${text}: clients are not served at unix sockets; give http://127.0.0.1:PORT`);
    }
    if (host !== 'localhost' && !isAddress(host)) {
      throw new UsageError(`--${flag}: expected IP in URL for binding (${text})`);
    }
    const at = host === 'localhost' ? '127.0.0.1' : host;
    const name = `${at} ${port === 0 ? text : port}`;
    const before = places.get(name);
    const [plain, secure] = [scheme === 'http', scheme === 'https'];
    places.set(name, {
      ...{ host: at, port },
      plain: plain || before?.plain === true,
      secure: secure || before?.secure === true,
    });
  }
  return [...places.values()];
}

/** Whether it is an address of IPv4 or IPv6, not a name. */
export function isAddress(host: string): boolean {
  return isIP(host) !== 0;
}
