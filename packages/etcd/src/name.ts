/**
 * Names of clusters: `etcd://a:2379,b:2379`, or `etcds:` for TLS.
 *
 * ENM1  A name says where the members are, and nothing else: a user or a password in it would end in logs, so it is refused.
 */
import { invalidType } from '@varve/api/implement';

export interface ClusterAddress {
  /** With TLS. */
  readonly secure: boolean;
  /** `host:port` each, at least one, none twice. */
  readonly members: readonly string[];
}

const defaultPort = 2379;
const host = String.raw`(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[\w.-]*[a-z0-9])?)`;
const member = new RegExp(`^(${host})(?::(\\d{1,5}))?$`, 'i');

/** @throws TypeError `KV_INVALID` for anything else */
export function addressOf(name: unknown): ClusterAddress {
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

/** `host:port` of a URL that a member advertises; `undefined` for one that this client cannot reach that way. */
export function memberOf(url: string, secure: boolean): string | undefined {
  const found = /^(https?):\/\/([^/]+)\/?$/.exec(url);
  return found?.[1] === (secure ? 'https' : 'http') ? found[2] : undefined;
}
