// @ts-check
/**
 * Asks a real etcd everything in lib/gateway/cases.mjs, and writes down what it answers: tools/vectors/gateway.
 *
 *   node tools/conformance/record-gateway.mjs
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { gzipSync } from 'node:zlib';
import { gatewayCases } from './lib/gateway/cases.mjs';
import { fingerprint, telling } from './lib/gateway/compare.mjs';
import { send } from './lib/gateway/http.mjs';
import { startEtcd } from './lib/grpc/etcd.mjs';

const usage = 'node tools/conformance/record-gateway.mjs\n  writes tools/vectors/gateway/etcd-3.4.23.json.gz\n';
const [option] = process.argv.slice(2);
if (option !== undefined) {
  process.stdout.write(usage);
  process.exit(option === '--help' ? 0 : 2);
}

const server = spawnSync('etcd', ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0] ?? '';
const etcd = await startEtcd();
/** @type {{ name: string, request: string, answer: import('./lib/gateway/compare.mjs').Telling }[]} */
const answers = [];
try {
  for (const one of gatewayCases) {
    const answer = telling(await send(etcd.endpoint, one), etcd.endpoint);
    answers.push({ name: one.name, request: fingerprint(one), answer });
  }
} finally {
  await etcd.close();
}
const file = new URL('../vectors/gateway/etcd-3.4.23.json.gz', import.meta.url);
const command = 'node tools/conformance/record-gateway.mjs';
writeFileSync(file, gzipSync(JSON.stringify({ server, command, answers }), { level: 9 }));
process.stdout.write(`${answers.length} answers of ${server}\n`);
