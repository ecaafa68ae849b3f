// @ts-check
/**
 * One walk along the offline road: a store of one engine, its snapshot in new clusters of one member and of three, and from there back to the
 * engine.
 *
 * RDO1  Commands are those of the page (guide.mjs); both ends are read by clients, revision by revision.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { bytes, file, level, log, open } from '@varve/kv';
import { install, program, shell } from './commands.mjs';
import { grow } from './history.mjs';
import { restored } from './restored.mjs';
import { checkGoesOn, checkSameHistory } from './same-history.mjs';

const codecs = { key: bytes, value: bytes };
/** @type {Readonly<Record<string, (path: string) => Promise<import('@varve/kv').Engine>>>} */
export const engines = { log: (path) => log(path), level: (path) => level(path), file: (path) => file(path) };

/**
 * @param {string} engine
 * @param {{ folder: string, guide: import('./guide.mjs').Guide, checks: import('./checks.mjs').Check, steps: number, seed: number }} walk
 */
export async function walkOffline(engine, { folder, guide, checks, steps, seed }) {
  mkdirSync(folder);
  install(folder);
  const at = engines[engine];
  if (at === undefined) throw new Error(`there is no engine ${engine}`);
  const place = () => at(join(folder, 'data'));
  const kinds = placesOf(engine);
  {
    const kv = await open(place(), codecs);
    await grow(kv, { steps, seed });
    await kv.close();
  }
  await program(folder, 'backup.mjs', guide.fence('backup.mjs', kinds));
  const status = await shell(folder, guide.fence('status'));
  const kv = await open(place(), codecs);
  try {
    const { revision } = await kv.status();
    checks.check(`${engine}: etcdctl takes the snapshot`, status.includes(` ${revision} `), `revision ${revision}`);
    const snapshot = join(folder, 'all.db');
    const three = await restored(guide, snapshot, join(folder, 'three'), 3);
    try {
      await using(await three.open(), (cluster) => checkSameHistory(checks, `${engine} in three etcds`, kv, cluster));
    } finally {
      await three.end();
    }
    const one = await restored(guide, snapshot, join(folder, 'one'), 1);
    try {
      await using(await one.open(), async (cluster) => {
        await checkSameHistory(checks, `${engine} in one etcd`, kv, cluster);
        await checkGoesOn(checks, `${engine} in one etcd`, cluster);
        await grow(cluster, { steps: Math.ceil(steps / 4), seed: seed + 1 });
        await shell(folder, guide.fence('back', one.places));
        const said = await program(folder, 'import.mjs', guide.fence('import.mjs', kinds));
        const last = (await cluster.status()).revision;
        checks.check(`${engine}: it is taken back`, said === `revision ${last}\n`, said.trim());
        await using(await open(at(join(folder, 'back')), codecs), async (back) => {
          await checkSameHistory(checks, `back on ${engine}`, cluster, back);
          await checkGoesOn(checks, `back on ${engine}`, back);
        });
      });
    } finally {
      await one.end();
    }
  } finally {
    await kv.close();
  }
}

/** The page opens folders, which are what they are; here they are of a kind that is named. @param {string} engine */
function placesOf(engine) {
  return {
    'import { open }': `import { ${engine}, open }`,
    "open('./data')": `open(${engine}('./data'))`,
    "open('./back'": `open(${engine}('./back')`,
  };
}

/**
 * @template {{ close(): Promise<void> }} T
 * @param {T} kv @param {(kv: T) => Promise<void>} work
 */
async function using(kv, work) {
  try {
    await work(kv);
  } finally {
    await kv.close();
  }
}
