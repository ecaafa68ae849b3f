/** The definitions themselves, for those who want to describe the services: server reflection, tools. */
import { toBinary, type DescFile } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { file_authpb_auth } from './gen/authpb/auth_pb.ts';
import { file_etcdserverpb_auth } from './gen/etcdserverpb/auth_pb.ts';
import { file_etcdserverpb_cluster } from './gen/etcdserverpb/cluster_pb.ts';
import { file_etcdserverpb_header } from './gen/etcdserverpb/header_pb.ts';
import { file_etcdserverpb_kv } from './gen/etcdserverpb/kv_pb.ts';
import { file_etcdserverpb_lease } from './gen/etcdserverpb/lease_pb.ts';
import { file_etcdserverpb_maintenance } from './gen/etcdserverpb/maintenance_pb.ts';
import { file_etcdserverpb_watch } from './gen/etcdserverpb/watch_pb.ts';
import { file_grpc_health_v1_health } from './gen/grpc/health/v1/health_pb.ts';
import { file_grpc_reflection_v1_reflection } from './gen/grpc/reflection/v1/reflection_pb.ts';
import { file_grpc_reflection_v1alpha_reflection } from './gen/grpc/reflection/v1alpha/reflection_pb.ts';
import { file_mvccpb_kv } from './gen/mvccpb/kv_pb.ts';
import { file_v3electionpb_election } from './gen/v3electionpb/election_pb.ts';
import { file_v3lockpb_lock } from './gen/v3lockpb/lock_pb.ts';

/** All files of this package, each after those it imports. */
export const files: readonly DescFile[] = Object.freeze([
  file_etcdserverpb_header,
  file_mvccpb_kv,
  file_authpb_auth,
  file_etcdserverpb_kv,
  file_etcdserverpb_watch,
  file_etcdserverpb_lease,
  file_etcdserverpb_maintenance,
  file_etcdserverpb_cluster,
  file_etcdserverpb_auth,
  file_v3lockpb_lock,
  file_v3electionpb_election,
  file_grpc_health_v1_health,
  file_grpc_reflection_v1_reflection,
  file_grpc_reflection_v1alpha_reflection,
]);

/** The file as an encoded FileDescriptorProto. */
export function fileDescriptor(file: DescFile): Uint8Array {
  return toBinary(FileDescriptorProtoSchema, file.proto);
}
