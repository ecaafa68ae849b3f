/**
 * What is at which address, as a table: a service and its method for each path below `/v3`.
 *
 * SVGR1  Each method that etcd's definitions give an HTTP rule has its row, whether its service is registered or not: one that
 *     is not is answered as gRPC would. A new service is new lines here, and nothing else.
 *
 * etcd: the `google.api.http` options of its definitions. Of 3.4 all; of later ones what this server has: `maintenance/hashkv`,
 * `maintenance/downgrade`, `auth/status`.
 */
import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { Auth, Cluster, Election, KV, Lease, Lock, Maintenance, Watch } from '@varve/etcd-api';

export interface Route {
  readonly method: DescMethod;
  /** As gRPC has it: `/etcdserverpb.KV/Range`. */
  readonly grpcPath: string;
}

type Row = readonly [path: string, service: DescService, method: string];

const rows: readonly Row[] = [
  ['kv/range', KV, 'Range'],
  ['kv/put', KV, 'Put'],
  ['kv/deleterange', KV, 'DeleteRange'],
  ['kv/txn', KV, 'Txn'],
  ['kv/compaction', KV, 'Compact'],
  ['watch', Watch, 'Watch'],
  ['lease/grant', Lease, 'LeaseGrant'],
  ['lease/revoke', Lease, 'LeaseRevoke'],
  ['kv/lease/revoke', Lease, 'LeaseRevoke'],
  ['lease/keepalive', Lease, 'LeaseKeepAlive'],
  ['lease/timetolive', Lease, 'LeaseTimeToLive'],
  ['kv/lease/timetolive', Lease, 'LeaseTimeToLive'],
  ['lease/leases', Lease, 'LeaseLeases'],
  ['kv/lease/leases', Lease, 'LeaseLeases'],
  ['cluster/member/add', Cluster, 'MemberAdd'],
  ['cluster/member/remove', Cluster, 'MemberRemove'],
  ['cluster/member/update', Cluster, 'MemberUpdate'],
  ['cluster/member/list', Cluster, 'MemberList'],
  ['cluster/member/promote', Cluster, 'MemberPromote'],
  ['maintenance/alarm', Maintenance, 'Alarm'],
  ['maintenance/status', Maintenance, 'Status'],
  ['maintenance/defragment', Maintenance, 'Defragment'],
  ['maintenance/hash', Maintenance, 'Hash'],
  ['maintenance/hashkv', Maintenance, 'HashKV'],
  ['maintenance/snapshot', Maintenance, 'Snapshot'],
  ['maintenance/transfer-leadership', Maintenance, 'MoveLeader'],
  ['maintenance/downgrade', Maintenance, 'Downgrade'],
  ['auth/enable', Auth, 'AuthEnable'],
  ['auth/disable', Auth, 'AuthDisable'],
  ['auth/status', Auth, 'AuthStatus'],
  ['auth/authenticate', Auth, 'Authenticate'],
  ['auth/user/add', Auth, 'UserAdd'],
  ['auth/user/get', Auth, 'UserGet'],
  ['auth/user/list', Auth, 'UserList'],
  ['auth/user/delete', Auth, 'UserDelete'],
  ['auth/user/changepw', Auth, 'UserChangePassword'],
  ['auth/user/grant', Auth, 'UserGrantRole'],
  ['auth/user/revoke', Auth, 'UserRevokeRole'],
  ['auth/role/add', Auth, 'RoleAdd'],
  ['auth/role/get', Auth, 'RoleGet'],
  ['auth/role/list', Auth, 'RoleList'],
  ['auth/role/delete', Auth, 'RoleDelete'],
  ['auth/role/grant', Auth, 'RoleGrantPermission'],
  ['auth/role/revoke', Auth, 'RoleRevokePermission'],
  ['lock/lock', Lock, 'Lock'],
  ['lock/unlock', Lock, 'Unlock'],
  ['election/campaign', Election, 'Campaign'],
  ['election/proclaim', Election, 'Proclaim'],
  ['election/leader', Election, 'Leader'],
  ['election/observe', Election, 'Observe'],
  ['election/resign', Election, 'Resign'],
];

/** By path, such as `/v3/kv/range`. */
export const routes: ReadonlyMap<string, Route> = new Map(rows.map(routeOf));

function routeOf([path, service, name]: Row): [string, Route] {
  const method = service.methods.find((one) => one.name === name);
  if (method === undefined) throw new Error(`${service.typeName} has no ${name}`);
  return [`/v3/${path}`, { method, grpcPath: `/${service.typeName}/${name}` }];
}
