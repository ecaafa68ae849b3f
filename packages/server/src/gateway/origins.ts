/**
 * Which web pages may call, and under which names the server may be called.
 *
 * SVGO1  A browser says where its page is from (`Origin`). One that `cors` does not name is refused: a page must not write to the
 *     store of the machine that shows it. Programs say nothing, and are not asked (R116).
 * SVGO2  Without TLS and on a connection to a loopback address, a name that leads elsewhere is refused, with etcd's words: a page that
 *     has its name lead to 127.0.0.1 would be of no foreign origin. Which address that is the connection says, because a server has
 *     several, and one of them may be all. Other addresses are called by what their owners please, unless `hostWhitelist` says.
 *
 * etcd: its access controller. Departs: its defaults are `*` and `*`.
 */
import type { Exchange } from '../transport/exchange.ts';

export interface OriginOptions {
  /** Origins of web pages that may call, such as `https://example.com`; `*`: all. @default none */
  readonly cors?: readonly string[] | undefined;
  /** Names of hosts under which requests without TLS are taken; `*`: all. @default on connections to a loopback address those of it, else all */
  readonly hostWhitelist?: readonly string[] | undefined;
}

const ALL = '*';

export class Origins {
  readonly #cors: ReadonlySet<string>;
  /** Whether other names than `#hosts` are taken. */
  readonly #others: 'none' | 'all' | 'not on loopback';
  readonly #hosts: ReadonlySet<string>;

  /** @param advertised names that clients are told @throws TypeError */
  constructor({ cors, hostWhitelist }: OriginOptions, advertised: readonly string[]) {
    this.#cors = new Set(names('cors', cors ?? []));
    if (hostWhitelist === undefined) {
      this.#others = 'not on loopback';
      this.#hosts = new Set(advertised.map((url) => (URL.canParse(url) ? new URL(url).hostname : '')));
    } else {
      this.#hosts = new Set(names('hostWhitelist', hostWhitelist));
      this.#others = this.#hosts.has(ALL) ? 'all' : 'none';
    }
  }

  /** Gives the answer its headers for browsers. @returns false: the request was refused, and is answered */
  admit(exchange: Exchange): boolean {
    if (!this.#isCalledRight(exchange)) {
      exchange.text(421, unknownHost(hostOf(exchange.host)));
      return false;
    }
    const { origin } = exchange.headers;
    const isKnown = origin !== undefined && this.#cors.has(origin);
    if (this.#cors.has(ALL) || isKnown) {
      exchange.set('access-control-allow-methods', 'POST, GET, OPTIONS, PUT, DELETE');
      exchange.set('access-control-allow-origin', this.#cors.has(ALL) ? ALL : (origin ?? ''));
      exchange.set('access-control-allow-headers', 'accept, content-type, authorization');
      return true;
    }
    if (origin === undefined || isOwn(origin, exchange) || exchange.method === 'OPTIONS') return true;
    const text = 'this origin may not call: name it in the option cors';
    exchange.json(403, JSON.stringify({ error: text, message: text, code: 7 }), {});
    return false;
  }

  #isCalledRight({ host: authority, isSecure, localAddress }: Exchange): boolean {
    if (isSecure || this.#others === 'all') return true;
    // A connection that does not say where it arrived may have arrived on loopback.
    const arrived = localAddress?.replace(/^::ffff:/, '') ?? 'localhost';
    if (this.#others === 'not on loopback' && !isLoopback(arrived)) return true;
    const host = hostOf(authority);
    return this.#hosts.has(host) || isLoopback(host) || isAddress(host);
  }
}

function names(option: string, values: readonly string[]): readonly string[] {
  if (!Array.isArray(values) || values.some((value) => typeof value !== 'string')) {
    throw new TypeError(`${option} must be a list of texts`);
  }
  return values;
}

/** Without the port. */
function hostOf(authority: string): string {
  const [, bracketed] = /^\[([^\]]*)\]/.exec(authority) ?? [];
  return (bracketed ?? authority.replace(/:[0-9]*$/, '')).toLowerCase().replace(/\.$/, '');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127(\.[0-9]+){3}$/.test(host);
}

/** No name leads to an address. */
function isAddress(host: string): boolean {
  return host === '' || host.includes(':') || /^[0-9]+(\.[0-9]+){3}$/.test(host);
}

/** A page that this server itself has shown. */
function isOwn(origin: string, { host, isSecure }: Exchange): boolean {
  return origin === `${isSecure ? 'https' : 'http'}://${host}`;
}

function unknownHost(host: string): string {
  return `
etcd received your request, but the Host header was unrecognized.

To fix this, choose one of the following options:
- Enable TLS, then any HTTPS request will be allowed.
- Add the hostname you want to use to the whitelist in settings.
  - e.g. etcd --host-whitelist ${JSON.stringify(host)}

This requirement has been added to help prevent "DNS Rebinding" attacks (CVE-2018-5702).

`;
}
