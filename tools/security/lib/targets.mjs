// @ts-check
/** Everything that reads what strangers send. A new decoder is a new line here. */
import { cursorTarget, jsonTarget, leaseRowTarget, protobufTarget, recordTarget } from './targets/decoders.mjs';
import { gatewayTarget, grpcTarget, socketTarget } from './targets/edge.mjs';
import { boltTarget, logTarget } from './targets/files.mjs';

/** @type {Readonly<Record<string, () => import('./target.mjs').Target | Promise<import('./target.mjs').Target>>>} */
export const targets = {
  json: jsonTarget,
  protobuf: protobufTarget,
  sockets: socketTarget,
  gateway: gatewayTarget,
  grpc: grpcTarget,
  records: recordTarget,
  leases: leaseRowTarget,
  cursors: cursorTarget,
  bolt: boltTarget,
  log: logTarget,
};
