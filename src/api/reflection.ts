import { readFileSync } from 'node:fs';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type {
  Server,
  ServerDuplexStream,
  ServiceDefinition,
  UntypedHandleCall,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { descriptorFiles } from '../protocol/definitions.ts';
import { limitRequests } from './request-limit.ts';

/**
 * Adds server reflection, by which clients list, describe and call without .proto files.
 *
 * The service gets the descriptors that the compiler made: those that proto-loader derives from its own
 * model lack optional fields and full type names, and clients refuse them.
 *
 * @throws Error when the compiled descriptors are missing
 */
export function addReflection(server: Server): void {
  const fileDescriptorProtos = descriptorFiles().flatMap(readDescriptors);
  const reflection = new ReflectionService({
    // The library takes nothing but the descriptors from a definition.
    any: { format: 'Protocol Buffer 3 EnumDescriptorProto', type: {}, fileDescriptorProtos },
  });
  reflection.addToServer({
    addService: (definition, implementation) =>
      server.addService(limitService(definition), withBackpressure(implementation)),
  });
}

function readDescriptors(file: string): Buffer[] {
  const set = fromBinary(FileDescriptorSetSchema, readFileSync(file));
  return set.file.map((descriptor) => Buffer.from(toBinary(FileDescriptorProtoSchema, descriptor)));
}

function limitService(definition: ServiceDefinition): ServiceDefinition {
  const methods = Object.entries(definition);
  return Object.fromEntries(methods.map(([name, method]) => [name, limitRequests(method)]));
}

/** Reflection answers as fast as requests come; a client that does not read must not fill our memory. */
function withBackpressure(
  implementation: UntypedServiceImplementation,
): UntypedServiceImplementation {
  const handlers = Object.entries(implementation).map(
    ([name, handler]) => [name, pausing(handler)] as const,
  );
  return Object.fromEntries(handlers);
}

/** A handler that reads no further request while answers wait for the client to read them. */
export function pausing(handler: UntypedHandleCall): UntypedHandleCall {
  return (stream: ServerDuplexStream<unknown, unknown>) => {
    (handler as (stream: ServerDuplexStream<unknown, unknown>) => void)(stream);
    stream.on('data', () => {
      if (!stream.writableNeedDrain) return;
      stream.pause();
      stream.once('drain', () => stream.resume());
    });
  };
}
