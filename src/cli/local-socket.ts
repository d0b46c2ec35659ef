import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { PACKAGE_SOCKET } from '../config/access.ts';
import { readApiSocket } from '../config/api.ts';

/** Who says by these where the API is means its address. */
const ADDRESS_VARIABLES = ['COLLECTOR_API_ADDRESS', 'COLLECTOR_BACKEND_METRICS_PORT'];

/**
 * The unix socket of the service on this host: where COLLECTOR_API_SOCKET says; else, unless a variable says which
 * address the API has, where a service with these variables would have it, or where packages have it.
 *
 * @returns undefined when there is none that this process may connect to
 * @throws ConfigError
 */
export function findLocalSocket(env: NodeJS.ProcessEnv): string | undefined {
  const { path: socket, isSet } = readApiSocket(env);
  if (isSet) return socket;
  if (ADDRESS_VARIABLES.some((variable) => env[variable])) return undefined;
  if (socket !== undefined && isUsable(socket) && isTrusted(socket)) return socket;
  return isUsable(PACKAGE_SOCKET) ? PACKAGE_SOCKET : undefined;
}

function isUsable(socket: string): boolean {
  try {
    accessSync(socket, constants.W_OK);
    return statSync(socket).isSocket();
  } catch {
    return false;
  }
}

/** Where it is depends on the working directory: nobody else may have put one there for us to find. */
function isTrusted(socket: string): boolean {
  const own = [0, process.geteuid?.()];
  const status = (file: string) => statSync(file, { throwIfNoEntry: false });
  const [file, folder] = [status(socket), status(path.dirname(socket))];
  return own.includes(file?.uid) && own.includes(folder?.uid);
}
