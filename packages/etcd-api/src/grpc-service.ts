/**
 * A service as `@grpc/grpc-js` takes it, for servers and clients alike: paths, and functions from messages to bytes and back.
 *
 * GS1  Nothing of grpc-js is loaded for it: a definition is plain data, of its types.
 * GS2  Reading copies nothing: `bytes` fields are views of the message that came in, which grpc-js gives away for good.
 * GS3  Fields that nobody here knows are skipped, not kept: nobody passes a message on.
 * GS4  Nesting is bounded: deeper than any transaction that etcd accepts is refused before it is built.
 */
import {
  fromBinary,
  toBinary,
  type DescMessage,
  type DescMethod,
  type DescService,
  type MessageShape,
} from '@bufbuild/protobuf';
import type { MethodDefinition } from '@grpc/grpc-js';
import type { GenService, GenServiceMethods } from '@bufbuild/protobuf/codegenv2';

/** By the method's name as TypeScript has it: `leaseGrant`, `hashKV`. */
export type GrpcService<Methods extends GenServiceMethods> = {
  readonly [Name in keyof Methods]: MethodDefinition<
    MessageShape<Methods[Name]['input']>,
    MessageShape<Methods[Name]['output']>
  >;
};

/** The definition that a generated service has. */
export type GrpcServiceOf<Service> = Service extends GenService<infer Methods> ? GrpcService<Methods> : never;

/** Two messages for each of the 128 levels that operations of operations may have, and some room. */
const RECURSION_LIMIT = 300;

/** The definition of a generated service. */
export function grpcService<Methods extends GenServiceMethods>(service: GenService<Methods>): GrpcService<Methods> {
  const methods = (service as DescService).methods.map((method) => [method.localName, grpcMethod(method)]);
  return Object.freeze(Object.fromEntries(methods)) as GrpcService<Methods>;
}

function grpcMethod(method: DescMethod): MethodDefinition<MessageShape<DescMessage>, MessageShape<DescMessage>> {
  const { input, output, methodKind } = method;
  return Object.freeze({
    path: `/${method.parent.typeName}/${method.name}`,
    originalName: method.localName,
    requestStream: methodKind === 'client_streaming' || methodKind === 'bidi_streaming',
    responseStream: methodKind === 'server_streaming' || methodKind === 'bidi_streaming',
    requestSerialize: writer(input),
    requestDeserialize: reader(input),
    responseSerialize: writer(output),
    responseDeserialize: reader(output),
  });
}

function writer(schema: DescMessage): (message: MessageShape<DescMessage>) => Buffer {
  return (message) => {
    const bytes = toBinary(schema, message);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  };
}

function reader(schema: DescMessage): (bytes: Buffer) => MessageShape<DescMessage> {
  return (bytes) => fromBinary(schema, bytes, { readUnknownFields: false, recursionLimit: RECURSION_LIMIT });
}
