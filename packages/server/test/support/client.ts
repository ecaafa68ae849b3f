/** A client of the server under test: plain values in, plain values out, and a failure as the text `CODE text`. */
import type { DescMethod } from '@bufbuild/protobuf';
import {
  Client,
  credentials,
  Metadata,
  status,
  type ChannelCredentials,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ServiceError,
} from '@grpc/grpc-js';
import * as api from '@varve/etcd-api';
import { toMessage, toPlain, type Plain } from './messages.ts';

/** What grpc-js needs of a method. */
interface Definition {
  readonly path: string;
  readonly requestSerialize: (message: object) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => object;
}

const services = [
  [api.KV, api.kvService],
  [api.Watch, api.watchService],
  [api.Lease, api.leaseService],
  [api.Maintenance, api.maintenanceService],
  [api.Cluster, api.clusterService],
  [api.Auth, api.authService],
  [api.Lock, api.lockService],
  [api.Election, api.electionService],
  [api.Health, api.healthService],
  [api.reflectionV1.ServerReflection, api.reflectionService],
  [api.reflectionV1Alpha.ServerReflection, api.reflectionAlphaService],
] as const;

export class TestClient {
  readonly #client: Client;
  readonly #metadata: Metadata;

  constructor(
    address: string | Client,
    secure: ChannelCredentials = credentials.createInsecure(),
    metadata: Metadata = new Metadata(),
  ) {
    this.#metadata = metadata;
    this.#client =
      typeof address !== 'string'
        ? address
        : new Client(address, secure, {
            'grpc.max_receive_message_length': -1,
            'grpc.max_send_message_length': -1,
            'grpc.ssl_target_name_override': 'localhost',
          });
  }

  /** The same connection, with metadata in each call. */
  with(metadata: Readonly<Record<string, string>>): TestClient {
    const own = new Metadata();
    for (const [name, value] of Object.entries(metadata)) own.set(name, value);
    return new TestClient(this.#client, undefined, own);
  }

  /** As a user whose password is its name. */
  async as(user: string): Promise<TestClient> {
    const answer = await this.call('authenticate', { name: user, password: user });
    if (typeof answer === 'string') throw new Error(answer);
    return this.with({ token: String(answer['token']) });
  }

  close(): void {
    this.#client.close();
  }

  /** The answer, or the failure as text. @param name of the method, such as `deleteRange`; `Health.check` where two have it */
  async call(name: string, request: Plain = {}): Promise<Plain | string> {
    return this.begin(name, request).answer;
  }

  /** A call that can be taken back. */
  begin(name: string, request: Plain = {}, deadlineMs?: number): { answer: Promise<Plain | string>; cancel(): void } {
    const { definition, desc } = find(name);
    const { path, requestSerialize, responseDeserialize } = definition;
    const message = toMessage(desc.input, request);
    let cancel = (): void => undefined;
    const answer = new Promise<Plain | string>((resolve) => {
      const options = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
      const call = this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        message,
        this.#metadata,
        options,
        (error, got) => resolve(got === undefined ? failure(error) : toPlain(desc.output, got)),
      );
      cancel = () => call.cancel();
    });
    return { answer, cancel: () => cancel() };
  }

  /** A call that streams its answers, without requests of its own behind the first. */
  listen(name: string, request: Plain = {}): Duplex {
    const { stream, desc } = this.#answersOf(name, request);
    return new Duplex(stream as unknown as ClientDuplexStream<object, object>, desc);
  }

  /** The message itself, for what plain values leave out. */
  async raw<Answer extends object>(name: string, request: Plain = {}): Promise<Answer> {
    const { definition, desc } = find(name);
    const { path, requestSerialize, responseDeserialize } = definition;
    return new Promise((resolve, reject) => {
      const message = toMessage(desc.input, request);
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        message,
        this.#metadata,
        (error, answer) => {
          if (answer === undefined) reject(error ?? new Error('no answer'));
          else resolve(answer as Answer);
        },
      );
    });
  }

  /** Sends bytes as they are, to any path. */
  async bytes(path: string, message: Uint8Array, headers: Readonly<Record<string, string>> = {}): Promise<string> {
    const asIs = (bytes: Buffer): Buffer => bytes;
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(path, asIs, asIs, Buffer.from(message), metadata, (error, answer) => {
        resolve(answer === undefined ? failure(error) : `${answer.length} bytes`);
      });
    });
  }

  /** All answers of a call that streams them, and how it ended. */
  async all(name: string, request: Plain = {}): Promise<{ readonly answers: readonly Plain[]; readonly end: string }> {
    const { stream, desc } = this.#answersOf(name, request);
    const answers: Plain[] = [];
    try {
      for await (const answer of stream) answers.push(toPlain(desc.output, answer as object));
    } catch (error) {
      return { answers, end: failure(error as ServiceError) };
    }
    return { answers, end: 'OK' };
  }

  /** The messages of a call that streams them. */
  async messages<Answer extends object>(name: string, request: Plain = {}): Promise<Answer[]> {
    const answers: Answer[] = [];
    const { stream } = this.#answersOf(name, request);
    for await (const answer of stream) answers.push(answer as Answer);
    return answers;
  }

  duplex(name: string): Duplex {
    const { definition, desc } = find(name);
    const { path, requestSerialize, responseDeserialize } = definition;
    return new Duplex(
      this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, this.#metadata),
      desc,
    );
  }

  #answersOf(
    name: string,
    request: Plain,
  ): { readonly stream: ClientReadableStream<object>; readonly desc: DescMethod } {
    const { definition, desc } = find(name);
    const { path, requestSerialize, responseDeserialize } = definition;
    const message = toMessage(desc.input, request);
    const stream = this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      message,
      this.#metadata,
    );
    return { stream, desc };
  }
}

/** A stream in both directions. */
export class Duplex implements Disposable {
  /** How it ended. */
  readonly end: Promise<string>;
  readonly #stream: ClientDuplexStream<object, object>;
  readonly #desc: DescMethod;
  readonly #answers: Plain[] = [];
  #wake: (() => void) | undefined;

  constructor(stream: ClientDuplexStream<object, object>, desc: DescMethod) {
    this.#stream = stream;
    this.#desc = desc;
    stream.on('data', (answer: object) => {
      this.#answers.push(toPlain(desc.output, answer));
      this.#wake?.();
    });
    stream.on('error', () => undefined);
    this.end = new Promise((resolve) => {
      stream.on('status', ({ code, details }) => resolve(code === status.OK ? 'OK' : `${status[code]} ${details}`));
    });
  }

  send(request: Plain): void {
    this.#stream.write(toMessage(this.#desc.input, request));
  }

  /** The next answer. */
  async next(): Promise<Plain> {
    while (this.#answers.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#answers.shift()!;
  }

  /** Answers that came and were not taken. */
  get waiting(): number {
    return this.#answers.length;
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** No more requests. */
  halfClose(): void {
    this.#stream.end();
  }

  cancel(): void {
    this.#stream.cancel();
  }

  [Symbol.dispose](): void {
    this.#stream.cancel();
  }
}

function find(name: string): { readonly definition: Definition; readonly desc: DescMethod } {
  const at = name.lastIndexOf('.');
  const service = at < 0 ? undefined : name.slice(0, at);
  const method = name.slice(at + 1);
  for (const [desc, definition] of services) {
    if (service !== undefined && desc.name !== service && desc.typeName !== service) continue;
    const one = desc.methods.find(({ localName }) => localName === method);
    if (one === undefined) continue;
    const found: unknown = Reflect.get(definition, one.localName);
    return { definition: found as Definition, desc: one };
  }
  throw new Error(`no method ${name}`);
}

function failure(error: ServiceError | null): string {
  return error === null ? 'no answer' : `${status[error.code]} ${error.details}`;
}
