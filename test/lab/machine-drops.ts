/**
 * Frames that this machine dropped between namespaces. A veth hands each frame to the backlog of the sender's
 * core (net.core.netdev_max_backlog), which all namespaces share: when something else floods the machine's
 * network, frames of the lab are lost, which is nobody's fault that the tests could find.
 */
import { readFileSync } from 'node:fs';

/** Frames dropped since the machine started, on all cores. */
export function machineDrops(): number {
  const lines = readFileSync('/proc/net/softnet_stat', 'latin1').trim().split('\n');
  return lines.reduce((sum, line) => sum + Number.parseInt(line.split(' ')[1] ?? '0', 16), 0);
}
