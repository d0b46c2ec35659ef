import { readFile, writeFile } from 'node:fs/promises';

const PLACE = '/proc/sys/net/core/netdev_max_backlog';

/**
 * Has the kernel keep so many packets for a core that has not got to them yet, of the whole host. Undone when disposed of.
 */
export async function widenBacklog(packets: number): Promise<AsyncDisposable> {
  const before = await readFile(PLACE, 'utf8');
  await writeFile(PLACE, `${packets}`);
  return { [Symbol.asyncDispose]: () => writeFile(PLACE, before) };
}
