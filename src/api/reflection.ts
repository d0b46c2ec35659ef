import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { Server, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { descriptorFiles } from '../protocol/definitions.ts';
import type { ChatHandler, Method } from './method.ts';
import { SMALL } from './services.ts';
import { WatcherPlaces } from './watcher-places.ts';

/** Clients that ask at the same time; one may take its time between two questions. */
const MAX_CHATS = 64;

/** What a library's handler does with a stream: it hears requests, and writes an answer to each at once. */
type LibraryHandler = (stream: EventEmitter & { write(answer: object): void; end(): void }) => void;

/**
 * Server reflection, by which clients list, describe and call without .proto files.
 *
 * The library gets the descriptors that the compiler made: those that proto-loader derives from its own
 * model lack optional fields and full type names, and clients refuse them.
 *
 * @throws Error when the compiled descriptors are missing
 */
export function reflectionMethods(): Method[] {
  const fileDescriptorProtos = descriptorFiles().flatMap(readDescriptors);
  const reflection = new ReflectionService({
    // The library takes nothing but the descriptors from a definition.
    any: { format: 'Protocol Buffer 3 EnumDescriptorProto', type: {}, fileDescriptorProtos },
  });
  const methods: Method[] = [];
  const places = new WatcherPlaces(MAX_CHATS);
  const collector: Pick<Server, 'addService'> = {
    addService: (definition, implementation) => {
      methods.push(...methodsOf(definition, implementation, places));
    },
  };
  reflection.addToServer(collector);
  return methods;
}

function methodsOf(
  definition: ServiceDefinition,
  implementation: UntypedServiceImplementation,
  places: WatcherPlaces,
): Method[] {
  return Object.entries(definition).map(([name, method]) => ({
    kind: 'chat',
    role: 'viewer',
    definition: method,
    handler: places.limit(chat(implementation[name] as unknown as LibraryHandler)),
    limits: SMALL,
  }));
}

/** One request after the other: the next is read when the client has read the answer to the one before. */
function chat(handler: LibraryHandler): ChatHandler {
  return async function* answers(requests) {
    let waiting: object[] = [];
    const stream = Object.assign(new EventEmitter(), {
      write: (answer: object) => waiting.push(answer),
      end: () => undefined,
    });
    handler(stream);
    for await (const request of requests) {
      stream.emit('data', request);
      yield* waiting;
      waiting = [];
    }
  };
}

function readDescriptors(file: string): Buffer[] {
  const set = fromBinary(FileDescriptorSetSchema, readFileSync(file));
  return set.file.map((descriptor) => Buffer.from(toBinary(FileDescriptorProtoSchema, descriptor)));
}
