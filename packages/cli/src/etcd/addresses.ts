/**
 * The URLs of etcd's flags, and the addresses that they are listened to at.
 *
 *     http://127.0.0.1:2379         a port
 *     unix:///run/varve.sock        a Unix socket, by an absolute path
 *     unix://localhost:2379         a Unix socket, too: its file is `localhost:2379` in the working folder
 *
 * EAD1  As etcd: a scheme, a host, a port, and nothing behind; what is listened to is an address or `localhost`, which is 127.0.0.1.
 * EAD2  Where one address, or one file, is named with TLS and without, it serves both.
 * EAD3  The file of a Unix socket is all that stands behind the slashes, as etcd 3.5 has it; 3.4 takes host and port only. `%20` and the like are read
 *     as in every URL.
 *
 * etcd: pkg/types/urls.go, embed/config.go, embed/etcd.go (configureClientListeners).
 */
import { isIP } from 'node:net';
import { socketPath } from '@varve/server';
import { lineOf, UsageError } from '../failures.ts';

export interface Address {
  readonly scheme: 'http' | 'https' | 'unix' | 'unixs';
  /** '' of a Unix socket. */
  readonly host: string;
  readonly port: number;
  /** Of a Unix socket: its file. */
  readonly path: string | undefined;
  /** As it was written. */
  readonly text: string;
}

/** What one socket is for. */
export interface Place {
  /** '' of a Unix socket. */
  readonly host: string;
  readonly port: number;
  /** Of a Unix socket: the absolute path of its file. */
  readonly path: string | undefined;
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
  if (scheme === 'unix' || scheme === 'unixs') {
    return { scheme, host: '', port: 0, path: pathIn(flag, text), text };
  }
  const place = /^(?:\[([^\]]+)\]|([^:]*)):(\d+)$/.exec(host);
  const port = Number(place?.[3]);
  if (place === null || port > 65_535) {
    throw new UsageError(`--${flag}: URL address does not have the form "host:port": ${text}`);
  }
  if (rest !== '') throw new UsageError(`--${flag}: URL must not contain a path: ${text}`);
  return { scheme, host: place[1] ?? place[2] ?? '', port, path: undefined, text };
}

function pathIn(flag: string, text: string): string {
  const [, rest = ''] = /^unixs?:\/\/(.*)$/s.exec(text) ?? [];
  if (rest === '' || rest.endsWith('/') || /[?#]/.test(rest)) {
    throw new UsageError(`--${flag} ${text}: the path of a file stands behind unix://, and nothing else`);
  }
  try {
    return decodeURIComponent(rest);
  } catch (cause) {
    throw new UsageError(`--${flag} ${text}: ${lineOf(cause)}`, { cause });
  }
}

/** The absolute path at which a URL such as `unix:///run/varve.sock` is listened to. @throws UsageError */
export function readSocketPath(flag: string, text: string): string {
  const path = pathIn(flag, text);
  try {
    return socketPath(path);
  } catch (cause) {
    throw new UsageError(`--${flag} ${text}: ${lineOf(cause)}`, { cause });
  }
}

/** Where to listen for these. @throws UsageError */
export function placesOf(flag: string, addresses: readonly Address[]): readonly Place[] {
  const places = new Map<string, Place>();
  for (const { scheme, host, port, text, ...address } of addresses) {
    const path = address.path === undefined ? undefined : readSocketPath(flag, text);
    if (path === undefined && host !== 'localhost' && !isAddress(host)) {
      throw new UsageError(`--${flag}: expected IP in URL for binding (${text})`);
    }
    const at = host === 'localhost' ? '127.0.0.1' : host;
    const name = path ?? `${at} ${port === 0 ? text : port}`;
    const before = places.get(name);
    const secure = scheme === 'https' || scheme === 'unixs';
    places.set(name, {
      ...{ host: at, port, path },
      plain: !secure || before?.plain === true,
      secure: secure || before?.secure === true,
    });
  }
  return [...places.values()];
}

/** Whether it is an address of IPv4 or IPv6, not a name. */
export function isAddress(host: string): boolean {
  return isIP(host) !== 0;
}

/** The place, as it is shown. */
export function shownAt({ host, port, path }: Place): string {
  return path ?? `${host}:${port}`;
}
