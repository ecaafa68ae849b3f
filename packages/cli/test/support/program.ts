/** The program as its own process, and a client of what it serves. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { kvService, leaseService, type PutRequest, type RangeRequest } from '@varve/etcd-api';
import { onTestFinished } from 'vitest';

const bin = fileURLToPath(new URL('../../dist/bin.js', import.meta.url));

export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'varve-cli-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A program of Node. */
export class NodeProgram {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  out = '';
  err = '';

  /** @param cwd where it runs; as this process, if it is not given */
  constructor(file: string, args: readonly string[], cwd?: string) {
    this.child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'pipe'], cwd });
    this.child.stdout!.setEncoding('utf8').on('data', (chunk: string) => (this.out += chunk));
    this.child.stderr!.setEncoding('utf8').on('data', (chunk: string) => (this.err += chunk));
    this.ended = once(this.child, 'close').then(([code]) => code as number | null);
    onTestFinished(() => void this.child.kill('SIGKILL'));
  }

  /** The first line, once it is there; what is on standard error, when it ends without one. */
  async firstLine(): Promise<string> {
    while (!this.out.includes('\n')) {
      const more = once(this.child.stdout!, 'data').then(() => true);
      if (!(await Promise.race([more, this.ended.then(() => false)]))) return this.err;
    }
    return this.out.slice(0, this.out.indexOf('\n'));
  }
}

/** `varve`. */
export class Program extends NodeProgram {
  constructor(...args: readonly string[]) {
    super(bin, args);
  }
}

/** @param line ends with `http://HOST:PORT` or `unix:///PATH` */
export function clientOf(line: string): Client {
  const [, address, path] = /(?:http:\/\/(\S+)|unix:\/\/(\S+))$/.exec(line)!;
  const client = new Client(address ?? `unix:${path}`, credentials.createInsecure());
  onTestFinished(() => client.close());
  return client;
}

const request = (key: string, lease: bigint): PutRequest => ({
  $typeName: 'etcdserverpb.PutRequest',
  key: Buffer.from(key),
  value: Buffer.from('x'),
  lease,
  prevKv: false,
  ignoreValue: false,
  ignoreLease: false,
});

/** Resolves with the key when the put was acknowledged. */
export function put(client: Client, key: string, lease = 0n): Promise<string | undefined> {
  const { path, requestSerialize, responseDeserialize } = kvService.put;
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request(key, lease),
      (error: ServiceError | null) => {
        resolve(error === null ? key : undefined);
      },
    );
  });
}

export function count(client: Client): Promise<number> {
  const { path, requestSerialize, responseDeserialize } = kvService.range;
  const all = { $typeName: 'etcdserverpb.RangeRequest', key: Buffer.of(0), rangeEnd: Buffer.of(0), countOnly: true };
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      all as unknown as RangeRequest,
      (error, answer) => {
        if (answer === undefined) reject(error ?? new Error('no answer'));
        else resolve(Number(answer.count));
      },
    );
  });
}

/** @param ttl seconds */
export function grant(client: Client, ttl: number): Promise<bigint> {
  const { path, requestSerialize, responseDeserialize } = leaseService.leaseGrant;
  const message = { $typeName: 'etcdserverpb.LeaseGrantRequest' as const, TTL: BigInt(ttl), ID: 0n };
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, message, (error, answer) => {
      if (answer === undefined) reject(error ?? new Error('no answer'));
      else resolve(answer.ID);
    });
  });
}
