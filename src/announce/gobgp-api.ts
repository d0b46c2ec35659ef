import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createFileRegistry,
  type DescMethod,
  type FileRegistry,
  fromBinary,
  fromJson,
  type JsonValue,
  type Message,
  toBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import { packageRoot } from '../package-root.ts';
import { CallError, GrpcClient } from '../protocol/client.ts';
import { RouteError } from './route-backend.ts';

const PROTOCOL_FILE = join(packageRoot, 'dist/proto/types/gobgp.binpb');
const SERVICE = 'apipb.GobgpApi';
/** Answered by gobgpd 4 and newer only. */
const VERSION_4_METHOD = '/api.GoBgpService/GetBgp';

/** Everything that is called here is done within milliseconds by a gobgpd that is well. */
const CALL_TIMEOUT_MS = 2_000;

/** It may be started again at any time, and then has lost every route. */
const MAX_RECONNECT_MS = 500;

type CallName = 'AddPath' | 'DeletePath';

/** Calls gobgpd 3. Requests are the JSON forms of the messages of gobgp.proto. */
export class GobgpApi {
  readonly #target: string;
  readonly #client: GrpcClient;
  readonly #registry: FileRegistry;

  /** @param target `host:port` or `unix:/path` @throws Error when the compiled protocol is missing */
  constructor(target: string) {
    this.#target = target;
    this.#registry = loadRegistry();
    this.#client = new GrpcClient({ target, tls: undefined }, { maxReconnectMs: MAX_RECONNECT_MS });
  }

  /** @throws RouteError */
  async call(name: CallName, request: JsonValue): Promise<void> {
    const timeoutMs = CALL_TIMEOUT_MS;
    try {
      await this.#client.call(this.#coding(name), request, { timeoutMs });
    } catch (error) {
      throw await this.#explain(error);
    }
  }

  /** The messages of ListPath's answer. @throws RouteError */
  async listPath(request: JsonValue): Promise<readonly Message[]> {
    const timeoutMs = CALL_TIMEOUT_MS;
    try {
      return await this.#client.collect(this.#coding('ListPath'), request, { timeoutMs });
    } catch (error) {
      throw await this.#explain(error);
    }
  }

  close(): void {
    this.#client.close();
  }

  #method(name: CallName | 'ListPath'): DescMethod {
    const method = this.#registry.getService(SERVICE)?.methods.find((m) => m.name === name);
    if (method === undefined) throw new Error(`${PROTOCOL_FILE} has no ${SERVICE}/${name}`);
    return method;
  }

  #coding(name: CallName | 'ListPath') {
    const { input, output } = this.#method(name);
    const registry = this.#registry;
    return {
      path: `/${SERVICE}/${name}`,
      encode: (json: JsonValue) =>
        Buffer.from(toBinary(input, fromJson(input, json, { registry }))),
      decode: (bytes: Buffer): Message => fromBinary(output, bytes),
    };
  }

  async #explain(error: unknown): Promise<unknown> {
    if (!(error instanceof CallError)) return error;
    const at = `gobgpd at ${this.#target}`;
    const options = { cause: error };
    if (error.code === status.UNIMPLEMENTED) {
      const advice = (await this.#isVersion4())
        ? 'is version 4 or newer, whose API is another: run gobgpd 3, or set COLLECTOR_ANNOUNCE_METHOD=kernel and run bird or FRR'
        : `does not know ${SERVICE}: is another program listening there?`;
      return new RouteError(`${at} ${advice}`, options);
    }
    switch (error.kind) {
      case 'unreachable':
        return new RouteError(`${at} cannot be reached: ${error.message}`, options);
      case 'timeout':
        return new RouteError(`${at} did not answer within ${CALL_TIMEOUT_MS / 1000} s`, options);
      case 'refused':
        return new RouteError(`${at} refused: ${error.message}`, options);
    }
  }

  async #isVersion4(): Promise<boolean> {
    const keep = (bytes: Buffer) => bytes;
    const method = { path: VERSION_4_METHOD, encode: keep, decode: keep };
    try {
      await this.#client.call(method, Buffer.alloc(0), { timeoutMs: CALL_TIMEOUT_MS });
      return true;
    } catch (error) {
      return !(error instanceof CallError && error.code === status.UNIMPLEMENTED);
    }
  }
}

function loadRegistry(): FileRegistry {
  try {
    return createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(PROTOCOL_FILE)));
  } catch (error) {
    throw new Error(`${PROTOCOL_FILE} cannot be read: run \`npm run build\``, { cause: error });
  }
}
