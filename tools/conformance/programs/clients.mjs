// @ts-check
// Client libraries that others have made, against varve: Debian's Python packages, and packages of npm.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { freePort } from '@varve/base/node/free-ports';
import { hasPythonModule, python } from './lib/available.mjs';
import { Server, serverNames } from './lib/server.mjs';

const usage = `node tools/conformance/programs/clients.mjs [--server varve-etcd|varve-serve|etcd] [--only NAME] [--output]
  client libraries that others have made, on that server; what is not installed is left out, and said
`;
const here = fileURLToPath(new URL('.', import.meta.url));

/**
 * @typedef {object} Client
 * @property {string} name
 * @property {string} folder
 * @property {string} command
 * @property {readonly string[]} args the port follows the first
 * @property {() => string | undefined} missing
 */

/** @param {string} name @param {string} module @param {string} debian @param {string} file @param {...string} args @returns {Client} */
function pythonClient(name, module, debian, file, ...args) {
  return {
    ...{ name, folder: `${here}python`, command: python, args: [file, ...args] },
    missing: () => (hasPythonModule(module) ? undefined : `${debian} is not installed`),
  };
}

/** @param {string} name @param {string} file @returns {Client} */
function npmClient(name, file) {
  return { name, folder: `${here}npm`, command: process.execPath, args: [file], missing: installed };
}

/** The packages of npm come on first use: a clone that never runs this does not pay for them. */
function installed() {
  const folder = `${here}npm`;
  if (existsSync(`${folder}/node_modules/.package-lock.json`)) return undefined;
  const { status } = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return status === 0 ? undefined : 'the packages of npm could not be fetched';
}

const clients = [
  pythonClient('python3-etcd3', 'etcd3', 'python3-etcd3', 'etcd3_client.py'),
  pythonClient('python3-etcd3gw', 'etcd3gw', 'python3-etcd3gw', 'etcd3gw_client.py'),
  pythonClient('tooz over gRPC', 'tooz.drivers.etcd3', 'python3-tooz', 'tooz_client.py', 'etcd3'),
  pythonClient('tooz over the gateway', 'tooz.drivers.etcd3gw', 'python3-tooz', 'tooz_client.py', 'etcd3+http'),
  npmClient('@keyv/etcd', 'keyv-etcd.mjs'),
  npmClient('moleculer', 'moleculer.mjs'),
];

function options() {
  try {
    const { values } = parseArgs({
      options: {
        server: { type: 'string', default: 'varve-etcd' },
        only: { type: 'string', default: '' },
        output: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const server = serverNames.find((name) => name === values.server);
    if (server !== undefined && !values.help) return { ...values, server };
    process.stdout.write(usage);
    process.exit(values.help ? 0 : 2);
  } catch {
    process.stderr.write(usage);
    process.exit(2);
  }
}

/** @param {Client} client @param {number} port @returns {Promise<{ code: number, out: string, err: string }>} */
function runClient({ folder, command, args }, port) {
  const [file = '', ...rest] = args;
  const child = spawn(command, [file, String(port), ...rest], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Debian's protobuf is newer than what these clients were generated for.
    env: { ...process.env, PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION: 'python', PYTHONDONTWRITEBYTECODE: '1' },
    timeout: 120_000,
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    err += text;
  });
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ code: code ?? 1, out, err }));
  });
}

const { server: name, only, output } = options();
let passed = 0;
let failed = 0;
for (const client of clients.filter((one) => one.name.includes(only))) {
  const lacking = client.missing();
  if (lacking !== undefined) {
    process.stdout.write(`${client.name}: left out, ${lacking}\n`);
    continue;
  }
  const server = new Server(name, await freePort());
  try {
    await server.start();
    const begin = performance.now();
    const { code, out, err } = await runClient(client, server.port);
    const lines = out.split('\n');
    const good = lines.filter((line) => line.startsWith('ok ')).length;
    const bad = lines.filter((line) => line.startsWith('not ok '));
    passed += good;
    failed += bad.length + (bad.length === 0 && code !== 0 ? 1 : 0);
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    process.stdout.write(`${client.name}: ${good} of ${good + bad.length} scenarios, ${seconds} s\n`);
    for (const line of bad) process.stdout.write(`  ${line}\n`);
    if (output || (bad.length === 0 && code !== 0)) process.stderr.write(err);
  } finally {
    await server.end();
  }
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
