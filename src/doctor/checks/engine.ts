/** What packets that are handled in the kernel pass by on this host. */
import { inputObstacles } from '../../paths/input-obstacles.ts';
import { type Found, listed, ok, warn } from '../finding.ts';
import { lookAtWatches } from '../on-way.ts';
import type { Subject } from '../subject.ts';

const MORE = 'docs/operating.md, "The engine in the kernel"';

export async function lookAtEngine({ service, settings }: Subject): Promise<Found[]> {
  const { config } = settings;
  if (config === undefined || config.listeners.length === 0) return [];
  if (config.engine === 'socket')
    return [ok('forwarders handle all packets: COLLECTOR_FLOXY_ENGINE=socket')];
  const problem = service?.status.kernelEngine?.problem;
  if (problem !== undefined)
    return [ok(`forwarders handle all packets, at a higher cost: ${problem} (${MORE})`)];
  const { obstacles: watched } = await lookAtWatches('input');
  const obstacles = [...watched, ...inputObstacles()];
  if (obstacles.length === 0) return [ok('packets may be handled in the kernel')];
  return [
    warn(
      `packets are handled in the kernel, past this: ${listed(obstacles)}`,
      `COLLECTOR_FLOXY_ENGINE=auto, unless it is not for flow: ${MORE}`,
    ),
  ];
}
