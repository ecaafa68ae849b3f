// @ts-check
/**
 * Debian's Patroni with PostgreSQL: two nodes that find their leader through varve.
 *
 *     node tools/conformance/programs/patroni.mjs [--server varve-etcd|varve-serve|etcd] [--logs]
 *
 * PAT1  bootstrap, replication, SIGKILL of the leader, failover, rejoin, switchover, SIGKILL of the store under it: each is a line with
 *     its time, and the rows that were written are there at the end, on both nodes.
 * PAT2  PostgreSQL refuses to run as root: the nodes run as `postgres`.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort } from '@varve/base/node/free-ports';
import { python, runs } from './lib/available.mjs';
import { Server, serverNames, until } from './lib/server.mjs';
import { Transcript } from './lib/transcript.mjs';

const usage = `node tools/conformance/programs/patroni.mjs [--server varve-etcd|varve-serve|etcd] [--logs]
  two nodes of Patroni with PostgreSQL: bootstrap, failover, rejoin, switchover, with times
`;

function options() {
  try {
    const { values } = parseArgs({
      options: {
        server: { type: 'string', default: 'varve-etcd' },
        logs: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const server = serverNames.find((name) => name === values.server);
    if (server !== undefined && !values.help) return { server, logs: values.logs };
    process.stdout.write(usage);
    process.exit(values.help ? 0 : 2);
  } catch {
    process.stderr.write(usage);
    process.exit(2);
  }
}

/** The newest PostgreSQL's programs. @returns {string | undefined} */
function postgresPrograms() {
  const base = '/usr/lib/postgresql';
  if (!existsSync(base)) return undefined;
  const newest = readdirSync(base).toSorted((one, other) => Number(other) - Number(one))[0];
  return newest === undefined ? undefined : join(base, newest, 'bin');
}

/** @param {string} database */
function idOf(database) {
  const { stdout } = spawnSync('id', [database, 'postgres'], { encoding: 'utf8' });
  return Number(stdout);
}

class Node {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child;
  log = '';

  /**
   * @param {string} name @param {string} folder @param {{ rest: number, sql: number, etcd: number }} ports @param {string} bin
   */
  constructor(name, folder, ports, bin) {
    this.name = name;
    this.ports = ports;
    this.bin = bin;
    this.folder = join(folder, name);
    mkdirSync(this.folder);
    this.config = join(this.folder, 'patroni.yml');
    writeFileSync(this.config, JSON.stringify(this.#settings(), null, 2));
    for (const path of [this.folder, this.config]) chownSync(path, idOf('-u'), idOf('-g'));
  }

  /** Patroni reads YAML, and JSON is YAML. */
  #settings() {
    const address = (/** @type {number} */ port) => `127.0.0.1:${port}`;
    return {
      scope: 'varve',
      name: this.name,
      restapi: { listen: address(this.ports.rest), connect_address: address(this.ports.rest) },
      etcd3: { hosts: [address(this.ports.etcd)] },
      bootstrap: {
        dcs: {
          ttl: 20,
          loop_wait: 2,
          retry_timeout: 8,
          maximum_lag_on_failover: 1_048_576,
          postgresql: { use_pg_rewind: true, parameters: { wal_log_hints: 'on', max_wal_senders: 5 } },
        },
        initdb: [{ encoding: 'UTF8' }, 'data-checksums', { locale: 'C' }],
        pg_hba: ['local all all trust', 'host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 trust'],
      },
      postgresql: {
        listen: address(this.ports.sql),
        connect_address: address(this.ports.sql),
        data_dir: join(this.folder, 'data'),
        bin_dir: this.bin,
        pgpass: join(this.folder, 'pgpass'),
        authentication: {
          superuser: { username: 'postgres', password: 'p' },
          replication: { username: 'replicator', password: 'p' },
          rewind: { username: 'rewinder', password: 'p' },
        },
        parameters: { unix_socket_directories: this.folder, shared_buffers: '16MB', fsync: 'off' },
      },
    };
  }

  start() {
    const args = ['--reuid', 'postgres', '--regid', 'postgres', '--init-groups', 'patroni', this.config];
    const child = spawn('setpriv', args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, cwd: this.folder });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        this.log += text;
      });
    }
  }

  /** Patroni and its PostgreSQL, at once: the machine is gone. */
  kill() {
    const pid = this.#child?.pid;
    if (pid !== undefined) tryKill(-pid);
    const pidFile = join(this.folder, 'data', 'postmaster.pid');
    if (!existsSync(pidFile)) return;
    const postmaster = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
    for (const child of spawnSync('pgrep', ['-P', String(postmaster)], { encoding: 'utf8' }).stdout.split('\n')) {
      if (child !== '') tryKill(Number(child));
    }
    tryKill(postmaster);
  }

  /** @param {'leader' | 'replica'} role */
  async is(role) {
    const answer = await fetch(`http://127.0.0.1:${this.ports.rest}/${role}`);
    return answer.status === 200;
  }

  /** @param {string} path @param {unknown} body */
  async ask(path, body) {
    const answer = await fetch(`http://127.0.0.1:${this.ports.rest}${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${text}`);
    return text;
  }

  /** @param {string} command @returns {string} */
  sql(command) {
    const place = ['-h', '127.0.0.1', '-p', String(this.ports.sql), '-U', 'postgres', '-d', 'postgres'];
    const { status, stdout, stderr } = spawnSync(join(this.bin, 'psql'), [...place, '-Atqc', command], {
      encoding: 'utf8',
      env: { ...process.env, PGPASSWORD: 'p', PGCONNECT_TIMEOUT: '3' },
    });
    if (status !== 0) throw new Error(stderr.trim());
    return stdout.trim();
  }
}

/** @param {number} pid below 0: the group */
function tryKill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** @param {import('./lib/server.mjs').ServerName} name @param {boolean} logs */
async function trial(name, logs) {
  const bin = postgresPrograms();
  if (bin === undefined || !runs('patroni', ['--version']) || !runs(python, ['-c', 'import patroni'])) {
    process.stdout.write('left out: patroni and postgresql are not installed (Debian: patroni postgresql)\n');
    return 0;
  }
  if (process.getuid?.() !== 0) {
    process.stdout.write('left out: only root can run the nodes as the user postgres\n');
    return 0;
  }
  const transcript = new Transcript();
  const folder = mkdtempSync(join(tmpdir(), 'varve-patroni-'));
  chownSync(folder, idOf('-u'), idOf('-g'));
  const server = new Server(name, await freePort());
  /** @type {Node[]} */
  const nodes = [];
  for (const node of ['a', 'b']) {
    const ports = { rest: await freePort(), sql: await freePort(), etcd: server.port };
    nodes.push(new Node(node, folder, ports, bin));
  }
  const [a, b] = /** @type {[Node, Node]} */ (nodes);
  const rows = (/** @type {Node} */ node) => node.sql("select string_agg(word, ',' order by id) from words");
  const has = (/** @type {Node} */ node, /** @type {string} */ words) =>
    until(`${words} on ${node.name}`, 30_000, async () => rows(node) === words);
  const insert = (/** @type {Node} */ node, /** @type {string} */ word) =>
    node.sql(`insert into words (word) values ('${word}')`);
  // Patroni calls it the leader when it has the lock; its PostgreSQL is still being promoted then, and takes no rows.
  const takes = (/** @type {Node} */ node, /** @type {string} */ word) =>
    until(`${node.name} to take a row`, 60_000, async () => insert(node, word) === '');
  try {
    await transcript.step(`${name} is healthy`, () => server.start());
    a.start();
    await transcript.step('bootstrap: a is the leader', () => until('a leader', 90_000, () => a.is('leader')));
    a.sql('create table words (id serial primary key, word text)');
    insert(a, 'one');
    b.start();
    await transcript.step('b has joined as replica', () => until('a replica', 90_000, () => b.is('replica')));
    await transcript.step('b has the row', () => has(b, 'one'));
    a.kill();
    transcript.say('SIGKILL to a: Patroni and PostgreSQL');
    await transcript.step('failover: b is the leader', () => until('failover', 90_000, () => b.is('leader')));
    await transcript.step('b takes a row', () => takes(b, 'two'));
    a.start();
    await transcript.step('rejoin: a is a replica', () => until('rejoin', 90_000, () => a.is('replica')));
    await transcript.step('a has the row of the new leader', () => has(a, 'one,two'));
    transcript.say(await b.ask('/switchover', { leader: 'b', candidate: 'a' }));
    await transcript.step('switchover: a is the leader', () => until('switchover', 60_000, () => a.is('leader')));
    await transcript.step('a takes a row', () => takes(a, 'three'));
    await transcript.step('b follows', () => until('b', 60_000, () => b.is('replica')));
    await server.stop('SIGKILL');
    await transcript.step(`SIGKILL to ${name}, and it is back`, () => server.start());
    // A leader that could not renew its lock in time has stepped down, as it must, and takes it up again.
    await transcript.step('a leader takes a row', () =>
      until('a row', 60_000, async () => {
        for (const node of nodes) {
          if (await node.is('leader')) return insert(node, 'four') === '';
        }
        return false;
      }),
    );
    await has(a, 'one,two,three,four');
    await transcript.step('both nodes have all rows', () => has(b, 'one,two,three,four'));
    const members = spawnSync('patronictl', ['-c', a.config, 'list', '-f', 'tsv'], { encoding: 'utf8' });
    process.stdout.write(members.stdout);
    return 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    for (const node of nodes) process.stderr.write(`--- ${node.name}\n${node.log.slice(-3000)}\n`);
    process.stderr.write(`--- ${name}\n${server.log.slice(-2000)}\n`);
    return 1;
  } finally {
    for (const node of nodes) node.kill();
    await server.end();
    if (logs) for (const node of nodes) process.stdout.write(`--- ${node.name}\n${node.log}\n`);
    rmSync(folder, { recursive: true, force: true });
  }
}

const { server, logs } = options();
process.exitCode = await trial(server, logs);
