import { readFileSync, writeFileSync } from 'node:fs';

const PLACE = '/proc/sys/net/core/netdev_max_backlog';

/**
 * Has the kernel keep so many packets for a core that has not got to them yet, on the whole host.
 *
 * @param resources puts it back when disposed of; one that is disposed of already has nothing changed
 */
export function widenBacklog(packets: number, resources: AsyncDisposableStack): void {
  const before = readFileSync(PLACE, 'utf8');
  resources.defer(() => writeFileSync(PLACE, before));
  writeFileSync(PLACE, `${packets}`);
}
