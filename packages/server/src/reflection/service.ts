/**
 * Server reflection, in both versions that tools ask for: what the services are, from the definitions they were generated from.
 *
 * SVRF1  The two versions have the same messages on the wire; each is answered with its own.
 */
import { create, type DescFile } from '@bufbuild/protobuf';
import {
  fileDescriptor,
  files,
  reflectionAlphaService,
  reflectionService,
  reflectionV1,
  reflectionV1Alpha,
} from '@varve/etcd-api';
import { status } from '@grpc/grpc-js';
import { method, type Calls } from '../rpc/calls.ts';
import { requestsOf, room } from '../rpc/flow.ts';

type Request = reflectionV1.ServerReflectionRequest | reflectionV1Alpha.ServerReflectionRequest;
type Found =
  | { readonly case: 'fileDescriptorResponse'; readonly value: { readonly fileDescriptorProto: Uint8Array[] } }
  | { readonly case: 'listServicesResponse'; readonly value: { readonly service: { readonly name: string }[] } }
  | { readonly case: 'errorResponse'; readonly value: { readonly errorCode: number; readonly errorMessage: string } };

export function registerReflection(calls: Calls): void {
  calls.bidi(method(reflectionService.serverReflectionInfo), async (call) => {
    for await (const request of requestsOf<reflectionV1.ServerReflectionRequest>(call)) {
      const messageResponse = find(request);
      const found = { validHost: request.host, originalRequest: request, messageResponse };
      call.write(create(reflectionV1.ServerReflectionResponseSchema, found));
      await room(call);
    }
  });
  calls.bidi(method(reflectionAlphaService.serverReflectionInfo), async (call) => {
    for await (const request of requestsOf<reflectionV1Alpha.ServerReflectionRequest>(call)) {
      const messageResponse = find(request);
      const found = { validHost: request.host, originalRequest: request, messageResponse };
      call.write(create(reflectionV1Alpha.ServerReflectionResponseSchema, found));
      await room(call);
    }
  });
}

function find({ messageRequest: asked }: Request): Found {
  switch (asked.case) {
    case 'listServices':
      return { case: 'listServicesResponse', value: { service: serviceNames() } };
    case 'fileByFilename':
      return describe(
        files.find((file) => `${file.name}.proto` === asked.value),
        asked.value,
      );
    case 'fileContainingSymbol':
      return describe(
        files.find((file) => defines(file, asked.value)),
        asked.value,
      );
    default:
      return missing('extensions, of which there are none');
  }
}

function serviceNames(): { readonly name: string }[] {
  return files.flatMap((file) => file.services.map((service) => ({ name: service.typeName })));
}

/** Whether a message, an enum, a service, a method or a field has that full name. */
function defines(file: DescFile, symbol: string): boolean {
  const parents = [...file.messages, ...file.enums, ...file.services].map((one) => one.typeName);
  return parents.some((name) => symbol === name || symbol.startsWith(`${name}.`));
}

/** The file, and after it all that it needs. */
function describe(file: DescFile | undefined, asked: string): Found {
  if (file === undefined) return missing(asked);
  const needed = new Set<DescFile>();
  const visit = (one: DescFile): void => {
    for (const dependency of one.dependencies) visit(dependency);
    needed.add(one);
  };
  visit(file);
  return {
    case: 'fileDescriptorResponse',
    value: { fileDescriptorProto: [...needed].toReversed().map(fileDescriptor) },
  };
}

function missing(what: string): Found {
  return { case: 'errorResponse', value: { errorCode: status.NOT_FOUND, errorMessage: `not found: ${what}` } };
}
