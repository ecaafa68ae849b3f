/**
 * Where a listener is, and how clients name that.
 *
 *     http://127.0.0.1:2379     https://[::1]:2379     unix:///run/varve/varve.sock     unixs:, with TLS
 *
 * SVPC1  The path in a URL is absolute, and whole: clients in other folders find it, and `etcdctl` reads the same path out of it.
 */

export interface Place {
  /** '' of a Unix socket. */
  readonly host: string;
  /** 0 of a Unix socket. */
  readonly port: number;
  /** Of a Unix socket: its file, or '' for one that was handed over, where the system does not tell. */
  readonly path: string | undefined;
}

export function urlOf({ host, port, path }: Place, isSecure: boolean): string {
  if (path === undefined) return `${isSecure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return `${isSecure ? 'unixs' : 'unix'}://${encodeURI(path).replaceAll(/[?#]/g, encodeURIComponent)}`;
}
