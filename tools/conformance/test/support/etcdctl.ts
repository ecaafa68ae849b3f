/** One `etcdctl` after another, and what it prints, without what two servers cannot have in common. */
import { spawn, spawnSync } from 'node:child_process';
import { etcdctlEnvironment, hasProgram } from '../../lib/grpc/etcd.mjs';

/** Whether etcd and etcdctl are on this machine. */
export const isThere: boolean = hasProgram('etcd') && spawnSync('etcdctl', ['version']).error === undefined;

export interface Output {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** One etcdctl, to its end. */
export function etcdctl(endpoint: string, args: readonly string[], input = ''): Promise<Output> {
  return new Promise((resolve, reject) => {
    const child = spawn('etcdctl', ['--endpoints', endpoint, ...args], { env: etcdctlEnvironment });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (err += chunk));
    // One that needs no input may be gone before it was offered any: what came of it, its status and texts say.
    child.stdin.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') reject(error);
    });
    child.stdin.end(input);
    child.on('close', (status) => resolve({ status, out, err: errorsIn(err) }));
  });
}

/** Without the log of the client. */
function errorsIn(text: string): string {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('{'))
    .join('\n');
}

/** What two servers cannot have in common. */
export function normalized(text: string): string {
  return text
    .replaceAll(/(127\.0\.0\.1|localhost):\d+/g, 'HOST')
    .replaceAll(/"(cluster_id|member_id|memberID)":\d+/g, '"$1":ID')
    .replaceAll(/"(ClusterID|MemberID|ID)" : \d+/g, '"$1" : ID')
    .replaceAll(/memberID:\d+/g, 'memberID:ID')
    .replaceAll(/\b[0-9a-f]{13,16}\b/g, 'ID')
    .replaceAll(/took = \S+/g, 'took = TIME')
    .replaceAll(/remaining\(\d+s\)/g, 'remaining(TIME)')
    .replaceAll(/attached keys\(\[(.*?)\]\)/g, (_, keys: string) => `attached keys([${inOrder(keys)}])`);
}

/** etcd keeps the keys of a lease in a map of Go, which has another order each time. */
function inOrder(words: string): string {
  return words.split(' ').toSorted().join(' ');
}
