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
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { messageOf } from '../base/errors.ts';
import { packageRoot } from '../package-root.ts';
import { RouteError } from './route-backend.ts';

const PROTOCOL_FILE = join(packageRoot, 'dist/proto/gobgp.binpb');
const SERVICE = 'apipb.GobgpApi';
/** Answered by gobgpd 4 and newer only. */
const VERSION_4_METHOD = '/api.GoBgpService/GetBgp';

/** Everything that is called here is done within milliseconds by a gobgpd that is well. */
const CALL_TIMEOUT_MS = 2_000;

type CallName = 'AddPath' | 'DeletePath';

/** Calls gobgpd 3. Requests are the JSON forms of the messages of gobgp.proto. */
export class GobgpApi {
  readonly #target: string;
  readonly #client: Client;
  readonly #registry: FileRegistry;

  /** @param target `host:port` or `unix:/path` @throws Error when the compiled protocol is missing */
  constructor(target: string) {
    this.#target = target;
    this.#registry = loadRegistry();
    this.#client = new Client(target, credentials.createInsecure(), {
      'grpc.service_config_disable_resolution': 1,
      'grpc.enable_http_proxy': 0,
      // It may be started again at any time, and then has lost every route.
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 500,
    });
  }

  /** @throws RouteError */
  async call(name: CallName, request: JsonValue): Promise<void> {
    const method = this.#method(name);
    const { path, encode, decode } = this.#coding(method);
    try {
      await new Promise<void>((resolve, reject) => {
        const options = { deadline: Date.now() + CALL_TIMEOUT_MS };
        this.#client.makeUnaryRequest(path, encode, decode, request, options, (error) =>
          error ? reject(error) : resolve(),
        );
      });
    } catch (error) {
      throw await this.#explain(error as ServiceError);
    }
  }

  /** The messages of ListPath's answer. @throws RouteError */
  async listPath(request: JsonValue): Promise<readonly Message[]> {
    const { path, encode, decode } = this.#coding(this.#method('ListPath'));
    const options = { deadline: Date.now() + CALL_TIMEOUT_MS };
    try {
      const call = this.#client.makeServerStreamRequest(path, encode, decode, request, options);
      const messages: Message[] = [];
      for await (const message of call) messages.push(message);
      return messages;
    } catch (error) {
      throw await this.#explain(error as ServiceError);
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

  #coding({ name, input, output }: DescMethod) {
    const registry = this.#registry;
    return {
      path: `/${SERVICE}/${name}`,
      encode: (json: JsonValue) =>
        Buffer.from(toBinary(input, fromJson(input, json, { registry }))),
      decode: (bytes: Buffer): Message => fromBinary(output, bytes),
    };
  }

  async #explain(error: ServiceError): Promise<RouteError> {
    const at = `gobgpd at ${this.#target}`;
    const options = { cause: error };
    switch (error.code) {
      case status.UNIMPLEMENTED: {
        const advice = (await this.#isVersion4())
          ? 'is version 4 or newer, whose API is another: run gobgpd 3, or set COLLECTOR_ANNOUNCE_METHOD=kernel and run bird or FRR'
          : `does not know ${SERVICE}: is another program listening there?`;
        return new RouteError(`${at} ${advice}`, options);
      }
      case status.UNAVAILABLE:
        return new RouteError(
          `${at} cannot be reached: ${connectionError(error.details)}`,
          options,
        );
      case status.DEADLINE_EXCEEDED:
        return new RouteError(`${at} did not answer within ${CALL_TIMEOUT_MS / 1000} s`, options);
      default:
        return new RouteError(`${at} refused: ${error.details ?? messageOf(error)}`, options);
    }
  }

  #isVersion4(): Promise<boolean> {
    const keep = (bytes: Buffer) => bytes;
    return new Promise((resolve) => {
      const options = { deadline: Date.now() + CALL_TIMEOUT_MS };
      const empty = Buffer.alloc(0);
      this.#client.makeUnaryRequest(VERSION_4_METHOD, keep, keep, empty, options, (error) =>
        resolve(error?.code !== status.UNIMPLEMENTED),
      );
    });
  }
}

/** The part of grpc-js' report that says why there is no connection. */
function connectionError(details: string): string {
  return /Last error: (?:Error: )?(.+?)\. Resolution note/.exec(details)?.[1] ?? details;
}

function loadRegistry(): FileRegistry {
  try {
    return createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(PROTOCOL_FILE)));
  } catch (error) {
    throw new Error(`${PROTOCOL_FILE} cannot be read: run \`npm run build\``, { cause: error });
  }
}
