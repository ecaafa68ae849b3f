/** Where leases lie. */
import type { Bucket } from '@varve/mvcc';

/** etcd's bucket of leases, with etcd's id. */
export const leaseBucket: Bucket = Object.freeze({ id: 3, name: 'lease', appendOnly: false });
