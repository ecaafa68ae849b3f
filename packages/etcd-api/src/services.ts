/** The services of an etcd, as grpc-js takes them. */
import { Auth } from './gen/etcdserverpb/auth_pb.ts';
import { Cluster } from './gen/etcdserverpb/cluster_pb.ts';
import { KV } from './gen/etcdserverpb/kv_pb.ts';
import { Lease } from './gen/etcdserverpb/lease_pb.ts';
import { Maintenance } from './gen/etcdserverpb/maintenance_pb.ts';
import { Watch } from './gen/etcdserverpb/watch_pb.ts';
import { Health } from './gen/grpc/health/v1/health_pb.ts';
import { ServerReflection } from './gen/grpc/reflection/v1/reflection_pb.ts';
import { ServerReflection as ServerReflectionAlpha } from './gen/grpc/reflection/v1alpha/reflection_pb.ts';
import { Election } from './gen/v3electionpb/election_pb.ts';
import { Lock } from './gen/v3lockpb/lock_pb.ts';
import { grpcService, type GrpcServiceOf } from './grpc-service.ts';

/** KV: ranges, puts, deletions, transactions, compaction. */
export const kvService: GrpcServiceOf<typeof KV> = grpcService(KV);
/** Watch: one stream for any number of watchers. */
export const watchService: GrpcServiceOf<typeof Watch> = grpcService(Watch);
/** Lease: grants, keep-alives, revocations. */
export const leaseService: GrpcServiceOf<typeof Lease> = grpcService(Lease);
/** Maintenance: status, alarms, hashes, defragmentation, snapshots. */
export const maintenanceService: GrpcServiceOf<typeof Maintenance> = grpcService(Maintenance);
/** Cluster: the member list. */
export const clusterService: GrpcServiceOf<typeof Cluster> = grpcService(Cluster);
/** Auth: users, roles, tokens. */
export const authService: GrpcServiceOf<typeof Auth> = grpcService(Auth);
/** Lock: locks by leases. */
export const lockService: GrpcServiceOf<typeof Lock> = grpcService(Lock);
/** Election: leaders by leases. */
export const electionService: GrpcServiceOf<typeof Election> = grpcService(Election);
/** gRPC's own service of health. */
export const healthService: GrpcServiceOf<typeof Health> = grpcService(Health);
/** Server reflection, version 1. */
export const reflectionService: GrpcServiceOf<typeof ServerReflection> = grpcService(ServerReflection);
/** Server reflection, version 1alpha. */
export const reflectionAlphaService: GrpcServiceOf<typeof ServerReflectionAlpha> = grpcService(ServerReflectionAlpha);
