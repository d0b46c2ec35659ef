/** Collectors of a lab that can die: their process, or their host. */
import { COLLECTOR_HOST_V4 } from './lab.ts';
import { ip } from './namespaces.ts';
import type { Stage } from './stage.ts';
import { UdpSockets } from './traffic.ts';
import type { EndpointText } from './wire.ts';

/** A program that listens, and is killed. */
export async function startCollector(
  stage: Stage,
  { host, port = 0 }: EndpointText,
): Promise<UdpSockets> {
  const program = await UdpSockets.start(stage.lab.collectors);
  await program.receive({ host, port });
  return program;
}

/** Hosts of the collectors' side that answer nothing any more, until they are back. */
export async function killHosts(stage: Stage, hosts: readonly string[]): Promise<void> {
  await ip(
    stage.lab.collectors,
    hosts.map((host) => `route add table local blackhole ${host}`),
  );
}

export async function reviveHosts(stage: Stage, hosts: readonly string[]): Promise<void> {
  await ip(
    stage.lab.collectors,
    hosts.map((host) => `route del table local blackhole ${host}`),
  );
}

/** An address of the network that the proxy shares with the collectors, which nobody has. */
export const NOBODY = COLLECTOR_HOST_V4.replace(/\d+$/, '77');
