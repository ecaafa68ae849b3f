/**
 * One of several processes leads; when it dies, another one does. With npm `etcd3`, on any etcd.
 *
 * LEL1  Who leads is who made the key. It goes with the leader's lease: a leader that has died is over after `ttl` seconds.
 * LEL2  Who waits watches first and looks then, so the end of a leader is not missed.
 * LEL3  What a leader writes holds only while it leads: the condition is the revision that made its key.
 */
import type { Etcd3 } from 'etcd3';

export interface Leadership {
  /** The revision that made the key: larger for every leader that comes. */
  readonly revision: string;
  /** Resolves when the lease could not be renewed: somebody else may lead by now. */
  readonly lost: Promise<void>;
  resign(): Promise<void>;
}

/** Resolves when `id` leads. @param ttl seconds after which a dead leader is over */
export async function lead(etcd: Etcd3, name: string, id: string, ttl: number): Promise<Leadership> {
  const lease = etcd.lease(ttl);
  const lost = new Promise<void>((resolve) => lease.on('lost', () => resolve()));
  const mine = etcd
    .put(name)
    .value(id)
    .lease(await lease.grant());
  for (;;) {
    const { succeeded, header } = await etcd.if(name, 'Create', '==', 0).then(mine).commit();
    if (succeeded) return { revision: header.revision, lost, resign: () => lease.revoke() };
    await deleted(etcd, name);
  }
}

/** Writes as the leader; `false`: it leads no more, and nothing was written. */
export async function putAsLeader(
  etcd: Etcd3,
  name: string,
  { revision }: Leadership,
  put: ReturnType<Etcd3['put']>,
): Promise<boolean> {
  const { succeeded } = await etcd.if(name, 'Create', '==', revision).then(put).commit();
  return succeeded;
}

async function deleted(etcd: Etcd3, name: string): Promise<void> {
  const watcher = await etcd.watch().key(name).only('delete').create();
  try {
    const gone = new Promise((resolve) => watcher.once('delete', resolve));
    if (await etcd.get(name).exists()) await gone;
  } finally {
    await watcher.cancel();
  }
}
