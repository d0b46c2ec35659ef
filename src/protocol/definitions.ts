import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';
import { packageRoot } from '../package-root.ts';

const PROTO_FOLDER = join(packageRoot, 'proto');
const DESCRIPTOR_FOLDER = join(packageRoot, 'dist/proto');

/** Full names of the services of proto/*.proto. */
export const SETTINGS_SERVICE = 'collector.proto.Settings';
export const METRICS_SERVICE = 'collector.proto.Metrics';
export const PIPELINES_SERVICE = 'collector.proto.Pipelines';
export const VIEW_SERVICE = 'collector.proto.View';
export const HISTORY_SERVICE = 'collector.proto.History';
export const CAPTURE_SERVICE = 'collector.proto.Capture';

/** The files that define them. */
const FILES = [
  'settings.proto',
  'metrics.proto',
  'pipelines.proto',
  'view.proto',
  'history.proto',
  'capture.proto',
];

export type ServiceName = 'settings' | 'metrics' | 'pipelines' | 'view' | 'history' | 'capture';

/** Names of the health service besides those of the API's services: see src/api/health.ts. */
export const HEALTH_NAMES = { node: '', proxy: 'proxy', configured: 'configured' } as const;

/**
 * Files with the compiled descriptors of everything that is served, made by `npm run build:proto`.
 * @throws Error when one is missing
 */
export function descriptorFiles(folder: string = DESCRIPTOR_FOLDER): string[] {
  const files = ['floxy.binpb', 'health.binpb'].map((name) => join(folder, name));
  for (const file of files) {
    if (!existsSync(file)) throw new Error(`${file} is missing: run \`npm run build:proto\``);
  }
  return files;
}

/** The services of the public API, read from proto/*.proto. messages.ts shows what they decode to. */
export function loadServices(): Record<ServiceName, ServiceDefinition> {
  const definitions = loadSync(FILES, {
    includeDirs: [PROTO_FOLDER],
    keepCase: false,
    longs: String,
    enums: String,
    oneofs: true,
    arrays: true,
    defaults: false,
  });
  return {
    settings: serviceNamed(definitions, SETTINGS_SERVICE),
    metrics: serviceNamed(definitions, METRICS_SERVICE),
    pipelines: serviceNamed(definitions, PIPELINES_SERVICE),
    view: serviceNamed(definitions, VIEW_SERVICE),
    history: serviceNamed(definitions, HISTORY_SERVICE),
    capture: serviceNamed(definitions, CAPTURE_SERVICE),
  };
}

function serviceNamed(definitions: PackageDefinition, name: string): ServiceDefinition {
  const definition = definitions[name];
  if (definition === undefined || 'format' in definition) {
    throw new Error(`${PROTO_FOLDER} does not define the service ${name}`);
  }
  return definition;
}

/** A method whose messages stay bytes on grpc-js' side, so that src/api/unary.ts can turn them itself. */
export function withRawMessages(
  method: MethodDefinition<object, object>,
): MethodDefinition<Buffer, Buffer> {
  const keep = (bytes: Buffer): Buffer => bytes;
  return {
    path: method.path,
    requestStream: method.requestStream,
    responseStream: method.responseStream,
    requestSerialize: keep,
    requestDeserialize: keep,
    responseSerialize: keep,
    responseDeserialize: keep,
  };
}
