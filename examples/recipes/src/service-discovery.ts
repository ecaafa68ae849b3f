/**
 * Programs that say where they are, as many projects do it with npm `etcd3`; its test is how such a project tests itself.
 *
 * SDY1  An address is there as long as its program: it goes with a lease that the program renews.
 * SDY2  A lease that was lost (a long pause, an etcd that was away) is replaced, and the address is put again. While the etcd is away it
 *     is asked once a second, not again at once: a lease that cannot be had is lost at once, too.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Etcd3, Lease } from 'etcd3';

export interface Registration {
  /** Takes the address away at once. */
  end(): Promise<void>;
}

/** Rejects when the etcd cannot be asked now. @param ttl seconds after which an address whose program has died is gone */
export async function register(etcd: Etcd3, service: string, address: string, ttl: number = 10): Promise<Registration> {
  let ended = false;
  let lease: Lease;
  const enter = async (): Promise<void> => {
    const mine = etcd.lease(ttl);
    lease = mine;
    await mine.grant();
    mine.on('lost', () => void comeBack());
    try {
      await mine.put(`services/${service}/${address}`).value(address).exec();
    } catch (error) {
      mine.release();
      throw error;
    }
  };
  const comeBack = async (): Promise<void> => {
    while (!ended) {
      try {
        return await enter();
      } catch {
        await wait(1000, undefined, { ref: false });
      }
    }
  };
  await enter();
  const end = async (): Promise<void> => {
    ended = true;
    await lease.revoke();
  };
  return { end };
}

/** The addresses that are there now. */
export async function addresses(etcd: Etcd3, service: string): Promise<string[]> {
  return Object.values(await etcd.getAll().prefix(`services/${service}/`).strings());
}
