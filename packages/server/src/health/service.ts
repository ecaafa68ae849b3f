/** gRPC's health service: the server as a whole, and each service by name. */
import { create } from '@bufbuild/protobuf';
import {
  files,
  HealthCheckResponse_ServingStatus as Serving,
  HealthCheckResponseSchema,
  healthService,
  type HealthCheckResponse,
} from '@varve/etcd-api';
import { method, type Calls } from '../rpc/calls.ts';
import { failures } from '../status.ts';

const known: ReadonlySet<string> = new Set(['', ...files.flatMap((file) => file.services.map((one) => one.typeName))]);

function answer(status: Serving): HealthCheckResponse {
  return create(HealthCheckResponseSchema, { status });
}

export function registerHealth(calls: Calls): void {
  calls.unary(method(healthService.check), async ({ service }) => {
    if (!known.has(service)) throw failures.unknownService();
    return answer(Serving.SERVING);
  });
  // It serves as long as it runs: one answer, then the end of the server ends the stream.
  calls.serverStream(method(healthService.watch), async ({ service }, call) => {
    call.write(answer(known.has(service) ? Serving.SERVING : Serving.SERVICE_UNKNOWN));
    if (!call.cancelled) await new Promise<void>((resolve) => void call.once('cancelled', resolve));
  });
}
