/** A real etcd on the loopback, and its command line. */
import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { freePorts } from '@varve/base/node/free-ports';
import { etcdctlEnvironment } from '../../conformance/lib/grpc/etcd.mjs';

/** Why the comparison cannot be made here, or `undefined`. */
export function absence(): string | undefined {
  for (const [program, debian] of [
    ['etcd', 'etcd-server'],
    ['etcdctl', 'etcd-client'],
  ] as const) {
    const argument = program === 'etcd' ? '--version' : 'version';
    if (spawnSync(program, [argument]).error !== undefined) return `${program} is not installed (Debian: ${debian})`;
  }
  return undefined;
}

/** Runs `etcdctl`; resolves with what it printed. Rejects with what it complained about. */
export async function etcdctl(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('etcdctl', args, { env: etcdctlEnvironment });
  return stdout;
}

/** One member that runs on a data folder. */
export class RealEtcd {
  readonly endpoint: string;
  readonly #process: ChildProcess;

  private constructor(endpoint: string, child: ChildProcess) {
    this.endpoint = endpoint;
    this.#process = child;
  }

  /** Makes a data folder of a snapshot with `etcdctl snapshot restore`, and starts a member on it. */
  static async restored(snapshot: string, folder: string): Promise<RealEtcd> {
    const [client, peer] = await freePorts(2);
    const peerUrl = `http://127.0.0.1:${peer}`;
    const endpoint = `http://127.0.0.1:${client}`;
    const cluster = ['--name', 'm', '--initial-cluster', `m=${peerUrl}`, '--initial-advertise-peer-urls', peerUrl];
    await etcdctl('snapshot', 'restore', snapshot, '--data-dir', folder, ...cluster);
    const child = spawn(
      'etcd',
      [
        '--name',
        'm',
        '--data-dir',
        folder,
        '--listen-peer-urls',
        peerUrl,
        '--listen-client-urls',
        endpoint,
        '--advertise-client-urls',
        endpoint,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const etcd = new RealEtcd(endpoint, child);
    const complaints: string[] = [];
    for await (const line of createInterface({ input: child.stderr as NodeJS.ReadableStream })) {
      complaints.push(line);
      if (line.includes('ready to serve client requests')) {
        child.stderr?.resume();
        return etcd;
      }
    }
    throw new Error(`etcd ended: ${complaints.slice(-5).join('\n')}`);
  }

  /** The JSON gateway: bytes are base64, 64-bit numbers are text. An error of etcd's is an object with `error`. */
  async call(path: string, body: unknown): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.endpoint}/v3/${path}`, { method: 'POST', body: JSON.stringify(body) });
    return (await response.json()) as Record<string, unknown>;
  }

  ctl(...args: string[]): Promise<string> {
    return etcdctl('--endpoints', this.endpoint, ...args);
  }

  async hashKV(revision: number): Promise<{ hash: number; compactRevision: number }> {
    const [answer] = JSON.parse(await this.ctl('endpoint', 'hashkv', '--rev', String(revision), '-w', 'json')) as [
      { HashKV: { hash: number; compact_revision: number } },
    ];
    return { hash: answer.HashKV.hash, compactRevision: Math.max(answer.HashKV.compact_revision, 0) }; // etcd: -1 for none
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await ended;
  }
}
