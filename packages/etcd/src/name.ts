/**
 * Names of clusters: `etcd://a:2379,b:2379`, or `etcds:` for TLS; and of one member at a Unix socket, `etcd+unix:///run/etcd.sock`, or `etcd+unixs:`.
 *
 * ENM1  A name says where the members are, and nothing else: a user or a password in it would end in logs, so it is refused.
 * ENM2  Behind `etcd+` stands the URL that `etcdctl` takes, with the absolute path of a file; `%20` and the like are read as in every URL.
 */
import { invalidType } from '@varve/api/implement';

export interface ClusterAddress {
  /** With TLS. */
  readonly secure: boolean;
  /** `host:port` each, at least one, none twice; of a Unix socket `unix:/path`. As grpc-js takes them. */
  readonly members: readonly string[];
}

const defaultPort = 2379;
const host = String.raw`(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[\w.-]*[a-z0-9])?)`;
const member = new RegExp(`^(${host})(?::(\\d{1,5}))?$`, 'i');

/** @throws TypeError `KV_INVALID` for anything else */
export function addressOf(name: unknown): ClusterAddress {
  const file = typeof name === 'string' ? /^etcd\+unix(s?):\/\/(.*)$/is.exec(name) : null;
  if (file !== null) return { secure: file[1] !== '', members: [`unix:${pathIn(file[2] ?? '')}`] };
  const [, scheme, rest] = (typeof name === 'string' ? /^(etcds?):\/\/([^/]*)\/?$/i.exec(name) : null) ?? [];
  if (scheme === undefined || rest === undefined)
    throw invalidType('the name must be that of a cluster, as etcd://a:2379,b:2379, or etcds: with TLS');
  if (rest.includes('@'))
    throw invalidType('the name must have no user and no password in it: give them as the option auth');
  const members = rest.split(',').map((part) => {
    const [, found, port = `${defaultPort}`] = member.exec(part) ?? [];
    if (found === undefined || Number(port) < 1 || Number(port) > 65535)
      throw invalidType('each member of the name must be host:port, as in etcd://a:2379,b:2379');
    return `${found}:${port}`;
  });
  return { secure: scheme.toLowerCase() === 'etcds', members: [...new Set(members)] };
}

function pathIn(text: string): string {
  const wrong =
    'the path of a socket stands behind etcd+unix://, and begins with a slash, as in etcd+unix:///run/etcd.sock';
  if (!text.startsWith('/') || text.endsWith('/') || /[?#]/.test(text)) throw invalidType(wrong);
  try {
    // grpc-js would take two slashes for the beginning of a host.
    const path = decodeURIComponent(text).replace(/^\/+/, '/');
    if (!path.includes('\0')) return path;
  } catch {
    // As any other wrong name.
  }
  throw invalidType(wrong);
}

/** `host:port` of a URL that a member advertises; `undefined` for one that this client cannot reach that way. */
export function memberOf(url: string, secure: boolean): string | undefined {
  const found = /^(https?):\/\/([^/]+)\/?$/.exec(url);
  return found?.[1] === (secure ? 'https' : 'http') ? found[2] : undefined;
}
