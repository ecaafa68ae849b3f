/**
 * Users and roles, in memory and in the store's rows: what may become of them, and what a user may do.
 *
 * SVAC1  A change happens inside a section: it is checked as a whole, then its rows are put, then memory follows. One that is
 *     refused has changed nothing.
 * SVAC2  Each change counts the revision up by one, which is not that of the keys; what changes nothing does not (S187).
 * SVAC3  What permissions come to is worked out for a user when it is asked for, and kept until the next change.
 * SVAC4  The switch has two sides: a row, and whether calls are held to it. Off means off when the row is durable: a commit that
 *     fails opens nothing.
 *
 * etcd: server/auth/store.go (spec server-api.md 10.3). Departs: a permission replaces the one with exactly its key and end.
 */
import { create } from '@bufbuild/protobuf';
import { PermissionSchema, Permission_Type, type Permission } from '@varve/etcd-api';
import type { WriteTxn } from '@varve/watch';
import { isFromKey } from '../kv/keys.ts';
import { failures } from '../status.ts';
import { Grants } from './grants.ts';
import {
  deleteRole,
  deleteUser,
  putEnabled,
  putRevision,
  putRole,
  putUser,
  type AuthRows,
  type RoleRecord,
  type UserRecord,
} from './rows.ts';

type RowsTx = WriteTxn['rows'];

/** The name of the user, and of the role, that may do everything. */
const ROOT = 'root';
const NO_BYTES = new Uint8Array(0);
const FROM_KEY = new Uint8Array(1);

export class Accounts {
  readonly #users: Map<string, UserRecord>;
  readonly #roles: Map<string, RoleRecord>;
  readonly #grants: Map<string, Grants> = new Map();
  #revision: number;
  /** As the row says. */
  #enabled: boolean;

  constructor({ enabled, revision, users, roles }: AuthRows) {
    this.#enabled = enabled;
    this.#revision = revision;
    this.#users = users;
    this.#roles = roles;
  }

  get revision(): number {
    return this.#revision;
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  user(name: string): UserRecord | undefined {
    return this.#users.get(name);
  }

  /** @throws StatusError */
  userOrFail(name: string): UserRecord {
    const user = this.#users.get(name);
    if (user === undefined) throw failures.userNotFound();
    return user;
  }

  isRoot({ roles }: UserRecord): boolean {
    return roles.includes(ROOT);
  }

  /** What the user's roles come to. A user with the role root is not asked. */
  grantsOf({ name, roles }: UserRecord): Grants {
    let grants = this.#grants.get(name);
    if (grants === undefined) {
      grants = new Grants(roles.flatMap((role) => this.#roles.get(role)?.permissions ?? []));
      this.#grants.set(name, grants);
    }
    return grants;
  }

  userNames(): string[] {
    return sorted(this.#users.keys());
  }

  roleNames(): string[] {
    return sorted(this.#roles.keys());
  }

  /** @throws StatusError */
  permissionsOf(role: string): readonly Permission[] {
    const { permissions } = this.#roleOrFail(role);
    if (role !== ROOT) return permissions;
    return [create(PermissionSchema, { permType: Permission_Type.READWRITE, key: NO_BYTES, rangeEnd: FROM_KEY })];
  }

  /** False: it was on already. @throws StatusError */
  enable(rows: RowsTx): boolean {
    if (this.#enabled) return false;
    const root = this.#users.get(ROOT);
    if (root === undefined) throw failures.rootUserMissing();
    if (!this.isRoot(root)) throw failures.rootRoleMissing();
    putEnabled(rows, true);
    putRevision(rows, this.#revision);
    this.#enabled = true;
    return true;
  }

  /** False: it was off already. */
  disable(rows: RowsTx): boolean {
    if (!this.#enabled) return false;
    putEnabled(rows, false);
    this.#changed(rows);
    this.#enabled = false;
    return true;
  }

  /** @throws StatusError for a name that a new user cannot have */
  checkNewUser(name: string): void {
    if (name === '') throw failures.userEmpty();
    if (this.#users.has(name)) throw failures.userExists();
  }

  /** @param hash empty for a user without password */
  addUser(rows: RowsTx, name: string, hash: string, noPassword: boolean): void {
    this.checkNewUser(name);
    this.#putUser(rows, { name, hash, noPassword, roles: [] });
    this.#changed(rows);
  }

  deleteUser(rows: RowsTx, name: string): void {
    if (this.#enabled && name === ROOT) throw failures.invalidManagement();
    this.userOrFail(name);
    deleteUser(rows, name);
    this.#users.delete(name);
    this.#changed(rows);
  }

  /** A user without password stays one. */
  changePassword(rows: RowsTx, name: string, hash: string): void {
    const user = this.userOrFail(name);
    this.#putUser(rows, { ...user, hash: user.noPassword ? '' : hash });
    this.#changed(rows);
  }

  grantRole(rows: RowsTx, name: string, role: string): void {
    const user = this.userOrFail(name);
    // The role root means what it means, with a record or without.
    if (role !== ROOT) this.#roleOrFail(role);
    if (user.roles.includes(role)) return;
    this.#putUser(rows, { ...user, roles: sorted([...user.roles, role]) });
    this.#changed(rows);
  }

  revokeRole(rows: RowsTx, name: string, role: string): void {
    if (this.#enabled && name === ROOT && role === ROOT) throw failures.invalidManagement();
    const user = this.userOrFail(name);
    if (!user.roles.includes(role)) throw failures.roleNotGranted();
    this.#putUser(rows, { ...user, roles: user.roles.filter((one) => one !== role) });
    this.#changed(rows);
  }

  addRole(rows: RowsTx, name: string): void {
    if (name === '') throw failures.roleEmpty();
    if (this.#roles.has(name)) throw failures.roleExists();
    this.#putRole(rows, { name, permissions: [] });
    this.#changed(rows);
  }

  /** It is taken from its users, too. */
  deleteRole(rows: RowsTx, name: string): void {
    if (this.#enabled && name === ROOT) throw failures.invalidManagement();
    this.#roleOrFail(name);
    deleteRole(rows, name);
    this.#roles.delete(name);
    for (const user of this.#users.values()) {
      if (!user.roles.includes(name)) continue;
      this.#putUser(rows, { ...user, roles: user.roles.filter((one) => one !== name) });
    }
    this.#changed(rows);
  }

  /** @param permission absent where the request has none */
  grantPermission(rows: RowsTx, name: string, permission: Permission | undefined): void {
    if (permission === undefined) throw failures.permissionNotGiven();
    const { key, rangeEnd } = permission;
    if (!isRange(key, rangeEnd)) throw failures.invalidManagement();
    const { permissions } = this.#roleOrFail(name);
    // It outlives the message that it came in, whose bytes its own would be views of.
    const own = create(PermissionSchema, {
      permType: permission.permType,
      key: key.slice(),
      rangeEnd: rangeEnd.slice(),
    });
    const isThere = permissions.some((one) => isSame(one, own));
    const after = isThere
      ? permissions.map((one) => (isSame(one, own) ? own : one))
      : [...permissions, own].toSorted((a, b) => Buffer.compare(a.key, b.key));
    this.#putRole(rows, { name, permissions: after });
    this.#changed(rows);
  }

  revokePermission(rows: RowsTx, name: string, range: Pick<Permission, 'key' | 'rangeEnd'>): void {
    const { permissions } = this.#roleOrFail(name);
    const after = permissions.filter((one) => !isSame(one, range));
    if (after.length === permissions.length) throw failures.permissionNotGranted();
    this.#putRole(rows, { name, permissions: after });
    this.#changed(rows);
  }

  #roleOrFail(name: string): RoleRecord {
    const role = this.#roles.get(name);
    if (role === undefined) throw failures.roleNotFound();
    return role;
  }

  #putUser(rows: RowsTx, user: UserRecord): void {
    putUser(rows, user);
    this.#users.set(user.name, user);
  }

  #putRole(rows: RowsTx, role: RoleRecord): void {
    putRole(rows, role);
    this.#roles.set(role.name, role);
  }

  #changed(rows: RowsTx): void {
    putRevision(rows, this.#revision + 1);
    this.#revision++;
    this.#grants.clear();
  }
}

/** In the order of their bytes. */
function sorted(names: Iterable<string>): string[] {
  return [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function isSame(a: Pick<Permission, 'key' | 'rangeEnd'>, b: Pick<Permission, 'key' | 'rangeEnd'>): boolean {
  return Buffer.compare(a.key, b.key) === 0 && Buffer.compare(a.rangeEnd, b.rangeEnd) === 0;
}

/** Whether a permission can speak of it: a key, or a range that a key can be in. */
function isRange(key: Uint8Array, rangeEnd: Uint8Array): boolean {
  if (key.length === 0) return false;
  return rangeEnd.length === 0 || isFromKey(rangeEnd) || Buffer.compare(rangeEnd, key) > 0;
}
