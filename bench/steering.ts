import { receiveOn } from '../test/load/machine.ts';
import type { Start } from './contestants/contestant.ts';
import { INPUT_INTERFACE } from './topology.ts';

/** Has the proxy core receive what comes in. Undone when disposed of. */
export async function steerToProxy({ path, cores }: Start): Promise<AsyncDisposable> {
  await receiveOn(path.namespace, INPUT_INTERFACE, cores.proxy);
  return { [Symbol.asyncDispose]: () => receiveOn(path.namespace, INPUT_INTERFACE) };
}
