/**
 * Where HTTP requests go: below `/v3/` to the gateway, others to the probes. An address for probes alone has no gateway: nothing of the store is reached by it.
 *
 * SVFT1  Who may not call is told before anything is looked at. Browsers that ask first are answered without asking anybody.
 *
 * etcd: embed/serve.go.
 */
import type { Turns } from '../fair/turns.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { Origins } from '../gateway/origins.ts';
import type { Exchange } from './exchange.ts';
import { cleaned, encoded, pathOf } from './request-path.ts';

/** An answer that is text. */
export interface Page {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** What is at a path, which is decoded and has no query. */
export type Pages = (method: string, path: string) => Page;

export class Front {
  readonly #gateway: Gateway | undefined;
  readonly #pages: Pages;
  readonly #origins: Origins;
  readonly #turns: Turns;

  /** @param gateway absent: below `/v3/` there is nothing */
  constructor(gateway: Gateway | undefined, pages: Pages, origins: Origins, turns: Turns) {
    this.#turns = turns;
    this.#gateway = gateway;
    this.#pages = pages;
    this.#origins = origins;
  }

  /** Answers, now or some time. Nothing that a client sends ends more than its own request. */
  handle(exchange: Exchange): void {
    this.#turns.run(
      () => exchange.peer,
      () => {
        try {
          this.#route(exchange);
        } catch {
          exchange.text(500, 'Internal Server Error\n');
        }
      },
    );
  }

  #route(exchange: Exchange): void {
    const asked = pathOf(exchange.target);
    if (asked === undefined) return exchange.text(400, '400 Bad Request');
    if (!this.#origins.admit(exchange)) return;
    if (exchange.method === 'OPTIONS') return exchange.empty(200, {});
    const path = asked.startsWith('/v3beta/') ? `/v3/${asked.slice('/v3beta/'.length)}` : asked;
    const clean = path === '/v3' ? '/v3/' : cleaned(path);
    if (clean !== path) return exchange.empty(301, { location: encoded(clean, exchange.target) });
    if (this.#gateway !== undefined && path.startsWith('/v3/')) return this.#gateway.handle(path, exchange);
    const { status, type, text } = this.#pages(exchange.method, path);
    exchange.text(status, text, type);
  }
}
