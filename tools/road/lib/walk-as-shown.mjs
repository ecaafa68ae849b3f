// @ts-check
/** The page's own program for the live road: from `varve serve` to a new etcd. */
import { mkdirSync } from 'node:fs';
import { connect, put } from '@varve/etcd';
import { install, program } from './commands.mjs';
import { etcdEnd, servedEnd } from './ends.mjs';

const keys = 500;

/** @param {{ folder: string, guide: import('./guide.mjs').Guide, checks: import('./checks.mjs').Check }} walk */
export async function walkLiveAsShown({ folder, guide, checks }) {
  mkdirSync(folder);
  install(folder);
  const [source, target] = [await servedEnd(), await etcdEnd()];
  try {
    const from = await connect(source.name, { timeoutMs: 60_000 });
    for (let i = 0; i < keys; i += 100)
      await from.txn({ then: Array.from({ length: 100 }, (_, j) => put(`k${i + j}`, `${i}`)) });
    await from.close();
    const places = { 'etcd://127.0.0.1:2379': source.name, 'etcd://10.0.0.1:2379': target.name };
    const said = await program(folder, 'move.mjs', guide.fence('move.mjs', places));
    checks.check('the live road as the page shows it', said.startsWith(`${keys} keys, equal`), said.trim());
  } finally {
    await Promise.all([source.end(), target.end()]);
  }
}
