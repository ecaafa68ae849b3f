/**
 * Buckets: named, ordered sets of rows.
 *
 * BKT1  The name is what is stored. The id is for lookups in memory and is never written anywhere.
 *
 * etcd: server/storage/schema/bucket.go (spec backend.md section 2).
 */

/** A named, ordered set of rows. */
export interface Bucket {
  /** Small and unique in the process; not persisted. */
  readonly id: number;
  /** What the medium knows it by. ASCII. */
  readonly name: string;
  /** Keys only grow: each put has a key greater than all before it in this bucket. Checked on each put. */
  readonly appendOnly: boolean;
}

function bucket(id: number, name: string, appendOnly: boolean): Bucket {
  return Object.freeze({ id, name, appendOnly });
}

/** etcd's buckets, under etcd's names and ids. */
export const buckets: {
  readonly key: Bucket;
  readonly meta: Bucket;
  readonly lease: Bucket;
  readonly alarm: Bucket;
  readonly cluster: Bucket;
  readonly members: Bucket;
  readonly membersRemoved: Bucket;
  readonly auth: Bucket;
  readonly authUsers: Bucket;
  readonly authRoles: Bucket;
  readonly test: Bucket;
} = Object.freeze({
  key: bucket(1, 'key', true),
  meta: bucket(2, 'meta', false),
  lease: bucket(3, 'lease', false),
  alarm: bucket(4, 'alarm', false),
  cluster: bucket(5, 'cluster', false),
  members: bucket(10, 'members', false),
  membersRemoved: bucket(11, 'members_removed', false),
  auth: bucket(20, 'auth', false),
  authUsers: bucket(21, 'authUsers', false),
  authRoles: bucket(22, 'authRoles', false),
  test: bucket(100, 'test', false),
});

/**
 * When revisions were written. Of this very store and no other: in no snapshot, and in no hash of the whole.
 */
export const timesBucket: Bucket = bucket(201, 'varve_times', false);

/** Whether the rows of a bucket of that name go with a copy of the store. */
export function isCopied(name: string): boolean {
  return name !== timesBucket.name;
}

const byName: ReadonlyMap<string, Bucket> = new Map(Object.values(buckets).map((known) => [known.name, known]));

/** The bucket of that name, one of etcd's or one made up for reading it. */
export function bucketNamed(name: string): Bucket {
  return knownBucket(name) ?? Object.freeze({ id: 0, name, appendOnly: false });
}

export function knownBucket(name: string): Bucket | undefined {
  return byName.get(name);
}
