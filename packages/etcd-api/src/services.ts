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

export const kvService: GrpcServiceOf<typeof KV> = grpcService(KV);
export const watchService: GrpcServiceOf<typeof Watch> = grpcService(Watch);
export const leaseService: GrpcServiceOf<typeof Lease> = grpcService(Lease);
export const maintenanceService: GrpcServiceOf<typeof Maintenance> = grpcService(Maintenance);
export const clusterService: GrpcServiceOf<typeof Cluster> = grpcService(Cluster);
export const authService: GrpcServiceOf<typeof Auth> = grpcService(Auth);
export const lockService: GrpcServiceOf<typeof Lock> = grpcService(Lock);
export const electionService: GrpcServiceOf<typeof Election> = grpcService(Election);
export const healthService: GrpcServiceOf<typeof Health> = grpcService(Health);
export const reflectionService: GrpcServiceOf<typeof ServerReflection> = grpcService(ServerReflection);
export const reflectionAlphaService: GrpcServiceOf<typeof ServerReflectionAlpha> = grpcService(ServerReflectionAlpha);
