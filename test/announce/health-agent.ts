/** Agent that stands in for the proxy: a health service on loopback whose answer the test sets. */
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { service as healthDefinition } from 'grpc-health-check';
import { serveRequests } from '../lab/agent-loop.ts';

let answer = 'SERVING';
let server: Server | undefined;

async function serve({ port }: { port: number }): Promise<number> {
  server = new Server();
  const { Check } = healthDefinition;
  if (Check === undefined) throw new Error('grpc-health-check lacks a method');
  server.addService(
    { Check },
    {
      Check: (_call: ServerUnaryCall<object, object>, respond: sendUnaryData<object>) =>
        respond(null, { status: answer }),
    },
  );
  const started = server;
  return new Promise((resolve, reject) => {
    started.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
}

function set({ status }: { status: string }): void {
  answer = status;
}

await serveRequests({ serve, set });
