/**
 * gRPC calls as HTTP requests with JSON, below `/v3/`.
 *
 *     POST /v3/kv/put {"key":"Zm9v","value":"YmFy"}        one answer, with its length
 *     POST /v3/watch {"create_request":{"key":"Zm9v"}}     {"result":{...}} and a newline for each, one chunk each
 *
 * SVGW1  Methods are called within the process, as gRPC calls are: a watch here is a stream of the store, and nothing more (law 9).
 * SVGW2  Who hangs up cancels the call, and so does a `Grpc-Timeout` that is over.
 * SVGW3  Requests are bounded: in bytes, in values, and in the time that the first document may take.
 *
 * etcd: the runtime of its gateway (docs/spec/real-clients.md C2 to C8; what differs is in decisions/0040).
 */
import { after, afterInput } from '../clock.ts';
import type { Turns } from '../fair/turns.ts';
import type { Limits } from '../limits.ts';
import type { Calls } from '../rpc/calls.ts';
import { clientGone, refusals, StatusError, toStatus } from '../status.ts';
import type { Exchange } from '../transport/exchange.ts';
import { Chunks } from './chunks.ts';
import { GatewayCall } from './gateway-call.ts';
import { errorBody, httpStatusOf, streamErrorBody } from './http-status.ts';
import type { ScanLimits } from './json/scanner.ts';
import { metadataOf, timeoutOf } from './metadata.ts';
import { BodyBudget, RequestBody } from './request-body.ts';
import { routes, type Route } from './routes.ts';

/** So many of the largest size may be half there at once. */
const MOST_MESSAGES_HELD = 64;
/** As etcd's reader of JSON allows them, also below names that it ignores: these come on top of the fields that a request may have. */
const MOST_LEVELS = 10_000;

export class Gateway {
  readonly #calls: Calls;
  readonly #limits: Limits;
  readonly #turns: Turns;
  readonly #scan: ScanLimits;
  readonly #chunks: Chunks = new Chunks();
  readonly #budget: BodyBudget;
  readonly #running: Set<Promise<void>> = new Set();

  constructor(calls: Calls, limits: Limits, turns: Turns) {
    this.#calls = calls;
    this.#turns = turns;
    this.#limits = limits;
    // Bytes are a third longer as text; names, spaces and escapes have room in the rest.
    this.#budget = new BodyBudget(limits.messageBytes * MOST_MESSAGES_HELD);
    this.#scan = { bytes: limits.messageBytes * 2, values: MOST_LEVELS + limits.fields };
  }

  /** Resolves when no call is running. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Answers, some time. @param path below `/v3/` */
  handle(path: string, exchange: Exchange): void {
    const route = routes.get(withoutEmptyVerb(path));
    if (route === undefined) return exchange.text(404, 'Not Found\n');
    const override = exchange.headers['x-http-method-override'];
    const isForm = exchange.headers['content-type'] === 'application/x-www-form-urlencoded';
    const isOverridden = typeof override === 'string' && override !== '' && exchange.method === 'POST' && isForm;
    if ((isOverridden ? override.toUpperCase() : exchange.method) !== 'POST') {
      return exchange.text(405, 'Method Not Allowed\n');
    }
    const running = this.#run(route, exchange, isOverridden).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** @param hasNoBody it was taken for a form */
  async #run({ method, grpcPath }: Route, exchange: Exchange, hasNoBody: boolean): Promise<void> {
    const gone = new AbortController();
    exchange.onLost(() => gone.abort(clientGone));
    const { signal } = gone;
    const timers: (() => void)[] = [];
    try {
      const { headers } = exchange;
      const caller = { metadata: metadataOf(headers, exchange.remoteAddress), signal, peer: exchange.peer };
      const timeoutMs = timeoutOf(headers);
      const call = new GatewayCall(method, exchange, caller, {
        limits: this.#limits,
        chunks: this.#chunks,
        turns: this.#turns,
      });
      const body = hasNoBody ? undefined : new RequestBody(exchange.body, this.#scan, this.#budget);
      const cancelWait = afterInput(this.#limits.requestTimeoutMs, () => exchange.destroy());
      timers.push(cancelWait);
      const work = call.run(this.#calls.local(grpcPath), body, cancelWait);
      const expired = new Promise<never>((_, reject) => {
        if (timeoutMs !== undefined) timers.push(after(timeoutMs, () => reject(refusals.deadline())));
      });
      const lost = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      await Promise.race(
        timeoutMs !== undefined && timeoutMs < 1 ? [Promise.reject(refusals.deadline()), work] : [expired, work, lost],
      );
    } catch (error) {
      if (!signal.aborted) refuse(exchange, error);
      gone.abort(clientGone);
    } finally {
      for (const cancel of timers) cancel();
    }
  }
}

function refuse(exchange: Exchange, error: unknown): void {
  const { code, details } = toStatus(error);
  const failure = new StatusError(code, details);
  if (exchange.hasBegun) exchange.finish(streamErrorBody(failure));
  else exchange.json(httpStatusOf(code), errorBody(failure), {});
}

/** The last part of a path may have a verb behind a colon. No method has one, but an empty one is none. */
function withoutEmptyVerb(path: string): string {
  return path.endsWith(':') && !path.endsWith('/:') ? path.slice(0, -1) : path;
}
