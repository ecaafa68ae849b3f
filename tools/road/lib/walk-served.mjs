// @ts-check
/** A store behind `varve serve`, with users: its snapshot by etcd's own tool, and the same users, roles and rights in a new cluster. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { shell } from './commands.mjs';
import { servedEnd } from './ends.mjs';
import { restored } from './restored.mjs';
import { connect } from '@varve/etcd';

const users = `
etcdctl --endpoints HERE put app/1 one
etcdctl --endpoints HERE put other/1 one
etcdctl --endpoints HERE user add root:secret
etcdctl --endpoints HERE user grant-role root root
etcdctl --endpoints HERE role add app
etcdctl --endpoints HERE role grant-permission app --prefix=true readwrite app/
etcdctl --endpoints HERE user add reader:word
etcdctl --endpoints HERE user grant-role reader app
etcdctl --endpoints HERE auth enable
`;

/** @param {{ folder: string, guide: import('./guide.mjs').Guide, checks: import('./checks.mjs').Check }} walk */
export async function walkServed({ folder, guide, checks }) {
  mkdirSync(folder);
  const served = await servedEnd(['--bcrypt-cost', '4']);
  try {
    await (await connect(served.name, { timeoutMs: 60_000 })).close();
    const here = served.name.replace('etcd://', '');
    await shell(folder, users.replaceAll('HERE', here));
    await shell(folder, guide.fence('served', { '127.0.0.1:2379': here, 'etcdctl ': 'etcdctl --user root:secret ' }));
  } finally {
    await served.end();
  }
  const auth = { user: 'root', password: 'secret' };
  const cluster = await restored(guide, join(folder, 'all.db'), join(folder, 'one'), 1, { auth });
  try {
    const reader = await connect(cluster.name, { timeoutMs: 60_000, auth: { user: 'reader', password: 'word' } });
    const value = (await reader.get('app/1'))?.value;
    const codes = [await codeOf(reader.get('other/1'))];
    await reader.close();
    for (const given of [{ auth: { user: 'reader', password: 'wrong' } }, {}])
      codes.push(
        await codeOf(connect(cluster.name, { timeoutMs: 60_000, ...given }).then((kv) => kv.put('app/1', 'x'))),
      );
    checks.check(
      'served, with users: the same passwords, roles and rights',
      value === 'one' && codes.every((code) => code === 'KV_DENIED'),
      `reads ${value}; outside of its role, with a wrong password, and without: ${codes.join(', ')}`,
    );
  } finally {
    await cluster.end();
  }
}

/** @param {Promise<unknown>} call */
async function codeOf(call) {
  try {
    await call;
    return 'answered';
  } catch (error) {
    return String(Object(error).code);
  }
}
