/** Users and roles for tests. A user's password is its name. */
import type { Running } from './server.ts';
import type { TestClient } from './client.ts';

export const denied = 'PERMISSION_DENIED etcdserver: permission denied';
export const nobody = 'INVALID_ARGUMENT etcdserver: user name is empty';
export const badToken = 'UNAUTHENTICATED etcdserver: invalid auth token';
export const oldRevision = 'INVALID_ARGUMENT etcdserver: revision of auth store is old';
export const userNotFound = 'FAILED_PRECONDITION etcdserver: user name not found';
export const roleNotFound = 'FAILED_PRECONDITION etcdserver: role name not found';
export const badManagement = 'INVALID_ARGUMENT etcdserver: invalid auth management';

/** Of a role: `RW k l`, `R a`, `W x \0`. */
export async function addRole(running: Running, name: string, ...permissions: readonly string[]): Promise<void> {
  await must(running.call('roleAdd', { name }));
  for (const permission of permissions) {
    const [type = '', key = '', rangeEnd = ''] = permission.split(' ');
    const permType = ['R', 'W', 'RW'].indexOf(type);
    await must(running.call('roleGrantPermission', { name, perm: { permType, key, rangeEnd } }));
  }
}

export async function addUser(running: Running, name: string, ...roles: readonly string[]): Promise<void> {
  await must(running.call('userAdd', { name, password: name }));
  for (const role of roles) await must(running.call('userGrantRole', { user: name, role }));
}

/** The user and the role root, and auth on. */
export async function enable(running: Running): Promise<TestClient> {
  await addUser(running, 'root', 'root');
  await must(running.call('authEnable'));
  return running.client.as('root');
}

/** The answer of a call that must not fail. */
export async function must<T>(answer: Promise<T | string>): Promise<T> {
  const got = await answer;
  if (typeof got === 'string') throw new Error(got);
  return got;
}
