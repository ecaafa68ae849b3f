/**
 * Users, roles and the switch, as rows of the store: what etcd writes, to the byte, so that a file of either opens with the other.
 *
 *     auth         authEnabled   one byte, 0 or 1
 *                  authRevision  8 bytes, the highest first
 *     authUsers    name          User
 *     authRoles    name          Role
 *
 * SVAR1  A row is put whole; the options of a user are always there, as in etcd's rows.
 * SVAR2  The buckets are made with the first row: a store without users has none of it.
 *
 * etcd: server/storage/schema/auth*.go (spec server-api.md 10.1).
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { RoleSchema, UserAddOptionsSchema, UserSchema, type Permission, type Role, type User } from '@varve/etcd-api';
import type { Backend, WriteTxn } from '@varve/watch';
import { ServerError } from '../errors.ts';
import type { Bucket } from '../layers.ts';

type RowsTx = WriteTxn['rows'];

const authBucket: Bucket = Object.freeze({ id: 20, name: 'auth', appendOnly: false });
const usersBucket: Bucket = Object.freeze({ id: 21, name: 'authUsers', appendOnly: false });
const rolesBucket: Bucket = Object.freeze({ id: 22, name: 'authRoles', appendOnly: false });
const ENABLED = Buffer.from('authEnabled');
const REVISION = Buffer.from('authRevision');

/** A user as the server has it in memory. Nobody writes to one: a change puts another one in its place. */
export interface UserRecord {
  readonly name: string;
  /** As bcrypt writes it; empty where there is none. */
  readonly hash: string;
  readonly noPassword: boolean;
  /** Sorted. */
  readonly roles: readonly string[];
}

export interface RoleRecord {
  readonly name: string;
  /** By key, and those of one key as they came. */
  readonly permissions: readonly Permission[];
}

/** What a store has of it. */
export interface AuthRows {
  readonly enabled: boolean;
  /** 1 on a store that never had users. */
  readonly revision: number;
  readonly users: Map<string, UserRecord>;
  readonly roles: Map<string, RoleRecord>;
}

/** @throws ServerError `SERVER_DATA` */
export async function loadAuth(backend: Pick<Backend, 'concurrentReadTx'>): Promise<AuthRows> {
  const users = new Map<string, UserRecord>();
  const roles = new Map<string, RoleRecord>();
  let enabled = false;
  let revision = 1;
  const tx = backend.concurrentReadTx();
  try {
    for await (const rows of tx.scan(authBucket)) {
      for (const { key, value } of rows) {
        if (ENABLED.equals(key)) enabled = value.length === 1 && value[0] === 1;
        else if (REVISION.equals(key)) revision = revisionOf(value);
      }
    }
    for await (const rows of tx.scan(usersBucket)) {
      for (const { key, value } of rows) addUser(users, textOf(key), value);
    }
    for await (const rows of tx.scan(rolesBucket)) {
      for (const { key, value } of rows) addRole(roles, textOf(key), value);
    }
  } finally {
    tx[Symbol.dispose]();
  }
  return { enabled, revision, users, roles };
}

export function putEnabled(rows: RowsTx, enabled: boolean): void {
  rows.createBucket(authBucket);
  rows.put(authBucket, ENABLED, Uint8Array.of(enabled ? 1 : 0));
}

export function putRevision(rows: RowsTx, revision: number): void {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(revision));
  rows.createBucket(authBucket);
  rows.put(authBucket, REVISION, bytes);
}

export function putUser(rows: RowsTx, { name, hash, noPassword, roles }: UserRecord): void {
  const user = create(UserSchema, {
    name: Buffer.from(name),
    password: Buffer.from(hash, 'latin1'),
    roles: [...roles],
    options: create(UserAddOptionsSchema, { noPassword }),
  });
  rows.createBucket(usersBucket);
  rows.put(usersBucket, Buffer.from(name), toBinary(UserSchema, user));
}

export function deleteUser(rows: RowsTx, name: string): void {
  rows.delete(usersBucket, Buffer.from(name));
}

export function putRole(rows: RowsTx, { name, permissions }: RoleRecord): void {
  const role = create(RoleSchema, { name: Buffer.from(name), keyPermission: [...permissions] });
  rows.createBucket(rolesBucket);
  rows.put(rolesBucket, Buffer.from(name), toBinary(RoleSchema, role));
}

export function deleteRole(rows: RowsTx, name: string): void {
  rows.delete(rolesBucket, Buffer.from(name));
}

function revisionOf(bytes: Uint8Array): number {
  const revision = bytes.length === 8 ? Buffer.from(bytes).readBigUInt64BE(0) : -1n;
  if (revision < 0n || revision > Number.MAX_SAFE_INTEGER) throw damaged('auth', 'authRevision');
  return Number(revision);
}

function addUser(users: Map<string, UserRecord>, name: string, bytes: Uint8Array): void {
  let user: User;
  try {
    user = fromBinary(UserSchema, bytes);
  } catch (cause) {
    throw damaged('authUsers', name, cause);
  }
  users.set(name, {
    name,
    hash: Buffer.from(user.password).toString('latin1'),
    noPassword: user.options?.noPassword === true,
    roles: [...user.roles],
  });
}

function addRole(roles: Map<string, RoleRecord>, name: string, bytes: Uint8Array): void {
  let role: Role;
  try {
    // The role stays; what the backend gives does not.
    role = fromBinary(RoleSchema, new Uint8Array(bytes));
  } catch (cause) {
    throw damaged('authRoles', name, cause);
  }
  roles.set(name, { name, permissions: role.keyPermission });
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key).toString();
}

function damaged(bucket: string, row: string, cause?: unknown): ServerError {
  return new ServerError(
    'SERVER_DATA',
    `the row ${JSON.stringify(row)} of the bucket ${bucket} cannot be read: restore the store from a snapshot`,
    { cause },
  );
}
