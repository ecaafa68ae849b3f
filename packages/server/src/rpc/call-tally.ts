/**
 * What calls there were: begun, ended with which code, messages and bytes each way, and how long unary ones took.
 *
 * SVTY1  A server that is slow is not made slower by telling so: ten slow calls a second are told of.
 * SVTY2  Labels come from our own methods and from the codes of gRPC: what clients send makes no new ones (R118).
 */
import { nowMs } from '../clock.ts';
import { callBounds, Histogram } from '../probes/histogram.ts';
import type { SlowOptions } from './slow-call.ts';

export type CallType = 'unary' | 'server_stream' | 'bidi_stream';

/** By number, as Go's gRPC calls them: dashboards ask for these. */
const codeNames: readonly string[] = [
  ...['OK', 'Canceled', 'Unknown', 'InvalidArgument', 'DeadlineExceeded', 'NotFound', 'AlreadyExists'],
  ...['PermissionDenied', 'ResourceExhausted', 'FailedPrecondition', 'Aborted', 'OutOfRange', 'Unimplemented'],
  ...['Internal', 'Unavailable', 'DataLoss', 'Unauthenticated'],
];

export class MethodTally {
  readonly #path: string;
  readonly #type: CallType;
  readonly #handled: Map<number, number> = new Map([[0, 0]]);
  readonly #seconds: Histogram = new Histogram(callBounds);
  started = 0;
  received = 0;
  sent = 0;
  receivedBytes = 0;
  sentBytes = 0;

  constructor(path: string, type: CallType) {
    this.#path = path;
    this.#type = type;
  }

  /** @param code of gRPC; 0: it went well */
  end(code: number): void {
    this.#handled.set(code, (this.#handled.get(code) ?? 0) + 1);
  }

  took(ms: number): void {
    this.#seconds.observe(ms / 1000);
  }

  get labels(): string {
    const [, service, method] = this.#path.split('/');
    return `grpc_method="${method}",grpc_service="${service}",grpc_type="${this.#type}"`;
  }

  handledLines(): string[] {
    return [...this.#handled].map(
      ([code, count]) =>
        `grpc_server_handled_total{grpc_code="${codeNames[code] ?? 'Unknown'}",${this.labels}} ${count}`,
    );
  }

  secondsLines(): string[] {
    // Methods that nobody calls would be most of the page.
    return this.#type === 'unary' && this.started > 0
      ? this.#seconds.lines('grpc_server_handling_seconds', this.labels)
      : [];
  }

  /** A reader that counts. */
  reading<Message>(read: (bytes: Buffer) => Message): (bytes: Buffer) => Message {
    return (bytes) => {
      this.received++;
      this.receivedBytes += bytes.length;
      return read(bytes);
    };
  }

  /** A writer that counts. */
  writing<Message>(write: (message: Message) => Buffer): (message: Message) => Buffer {
    return (message) => {
      const bytes = write(message);
      this.sent++;
      this.sentBytes += bytes.length;
      return bytes;
    };
  }
}

/** Slow calls that are told of in a second. */
const MOST_TOLD = 10;

/** Of these etcd says how long they took; others wait for something by nature. */
const timed = /^\/etcdserverpb\.(?:KV\/(?:Range|Put|DeleteRange|Txn)|Lease\/Lease(?:Grant|Revoke))$/;

export class CallTally {
  readonly methods: MethodTally[] = [];
  readonly #slow: SlowOptions;
  /** When the second began in which `#told` were told of. */
  #second = -Infinity;
  #told = 0;
  #untold = 0;
  /** Slow reads and writes so far. */
  slow = 0;

  constructor(slow: SlowOptions) {
    this.#slow = slow;
  }

  method(path: string, type: CallType): MethodTally {
    const tally = new MethodTally(path, type);
    this.methods.push(tally);
    return tally;
  }

  /** How long a call took. What waits for something by nature is never slow. */
  judge(method: string, ms: number, code: number): void {
    if (ms <= this.#slow.ms || !timed.test(method)) return;
    this.slow++;
    const now = nowMs();
    if (now - this.#second > 1000) {
      this.#second = now;
      this.#told = 0;
    }
    if (this.#told >= MOST_TOLD) {
      this.#untold++;
      return;
    }
    this.#told++;
    this.#slow.tell?.({ method, ms, code, untold: this.#untold });
    this.#untold = 0;
  }
}
