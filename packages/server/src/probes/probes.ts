/**
 * What scripts, probes and dashboards ask for over HTTP, on the port of the clients.
 *
 *     GET /version  /health  /livez  /readyz  /metrics
 *
 * SVPR1  An alarm makes `/health` false, with 503; alive and ready the server is all the same, as long as it can commit.
 * SVPR2  Metrics are written once in a turn of the event loop, whoever asks for them in it (R99): what anybody was answered before they asked is in them.
 *
 * etcd: server/etcdserver/api/etcdhttp (spec server-api.md 12, real-clients.md C2, C10).
 */
import { AlarmType } from '@varve/etcd-api';
import { soon } from '../clock.ts';
import type { Calls } from '../rpc/calls.ts';
import type { ServerState } from '../server-state.ts';
import type { Page } from '../transport/front.ts';
import { metricsText } from './metrics.ts';

export class Probes {
  readonly #state: ServerState;
  readonly #calls: Calls;
  readonly #checks = { failed: 0, passed: 0 };
  /** Of this turn of the event loop. */
  #metrics: string | undefined;

  constructor(state: ServerState, calls: Calls) {
    this.#state = state;
    this.#calls = calls;
  }

  /** What is at the path. */
  page(method: string, path: string): Page {
    const page = this.#pageAt(path);
    if (page === undefined) return plain(404, '404 page not found\n');
    return method === 'GET' || method === 'HEAD' ? page : plain(405, 'Method Not Allowed\n');
  }

  #pageAt(path: string): Page | undefined {
    const { version } = this.#state;
    switch (path) {
      case '/version':
        return json(200, { etcdserver: version, etcdcluster: version, storage: version });
      case '/health':
        return this.#health();
      case '/livez':
      case '/readyz':
        return this.#failed() ? plain(503, 'a commit has failed: restart the server\n') : plain(200, 'ok\n');
      case '/metrics':
        return {
          status: 200,
          type: 'text/plain; version=0.0.4',
          text: this.#metricsNow(),
        };
      default:
        return undefined;
    }
  }

  #metricsNow(): string {
    if (this.#metrics === undefined) {
      this.#metrics = metricsText(this.#state, this.#calls.tally, this.#checks);
      soon(() => (this.#metrics = undefined));
    }
    return this.#metrics;
  }

  #health(): Page {
    const reason = this.#unhealthy();
    this.#checks[reason === '' ? 'passed' : 'failed']++;
    return json(reason === '' ? 200 : 503, { health: String(reason === ''), reason });
  }

  #unhealthy(): string {
    const [alarm] = this.#state.alarms.list(AlarmType.NONE);
    if (alarm !== undefined) return alarm.alarm === AlarmType.NOSPACE ? 'ALARM NOSPACE' : 'ALARM CORRUPT';
    return this.#failed() ? 'COMMIT FAILED' : '';
  }

  #failed(): boolean {
    return this.#state.backend.failure.aborted;
  }
}

function plain(status: number, text: string): Page {
  return { status, type: 'text/plain; charset=utf-8', text };
}

function json(status: number, value: Readonly<Record<string, string>>): Page {
  return { status, type: 'application/json', text: JSON.stringify(value) };
}
