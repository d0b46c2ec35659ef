/** Thread that calls the API as a hostile client does: what it costs here is no cost of the server's thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadServices } from '../../src/protocol/definitions.ts';
import { TestClient, unaryCall } from './harness.ts';

/** So many calls at once of a method, with so many copies of the bytes as request. */
export interface HostileCalls {
  readonly address: string;
  readonly method: string;
  readonly bytes: readonly number[];
  readonly copies: number;
  readonly calls: number;
}

async function run({ address, method, bytes, copies, calls }: HostileCalls): Promise<void> {
  const { settings } = loadServices();
  const definition = settings[method];
  if (definition === undefined) throw new Error(`no method ${method}`);
  const request = Buffer.alloc(bytes.length * copies, Buffer.from(bytes));
  using client = new TestClient(address);
  const outcomes = await Promise.all(
    Array.from({ length: calls }, () =>
      unaryCall(client.client, { ...definition, requestSerialize: () => request }, {}),
    ),
  );
  parentPort?.postMessage(outcomes.map(({ error }) => error?.code ?? 0));
}

await run(workerData as HostileCalls);
