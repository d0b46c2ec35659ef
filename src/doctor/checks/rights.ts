import {
  type Capability,
  capabilityMask,
  effectiveCapabilities,
} from '../../native/capabilities.ts';
import { listenPorts } from '../addresses.ts';
import { type Found, fail, ok, skip, warn } from '../finding.ts';
import { readParameter } from '../host.ts';
import type { Subject } from '../subject.ts';

/**
 * A service that runs has opened its sockets, and given its rights up since: what it lacked then, its state tells. One
 * that is to be started by this user has what this user has.
 */
export function lookAtRights({ service, settings }: Subject): Found[] {
  if (service !== undefined) {
    const isOpen = service.status.proxy?.state !== 'Offline';
    return isOpen
      ? [ok('the service has opened its sockets, raw ones too')]
      : [offline(service.status.proxy?.error)];
  }
  const capabilities = effectiveCapabilities();
  if (capabilities === undefined)
    return [skip('the capabilities of this user: /proc/self/status cannot be read')];
  const has = (name: Capability) => (capabilities & capabilityMask(name)) !== 0n;
  const found: Found[] = [];
  if (!has('NET_RAW')) {
    found.push(
      warn(
        'this user has no CAP_NET_RAW: a service that it starts cannot send as the exporters',
        'start the service by systemd (deploy/systemd), or as root',
      ),
    );
  }
  const firstFree = readParameter('net.ipv4.ip_unprivileged_port_start') ?? 1024;
  const low = listenPorts({ settings }).filter((port) => port < firstFree);
  if (low.length > 0 && !has('NET_BIND_SERVICE')) {
    found.push(
      warn(
        `this user has no CAP_NET_BIND_SERVICE: it cannot open port ${low.join(', ')}`,
        `a port from ${firstFree} on, or systemd's AmbientCapabilities`,
      ),
    );
  }
  return found.length > 0 ? found : [ok('this user may open raw sockets')];
}

function offline(error = ''): Found {
  return fail(
    `the proxy is Offline: ${error}`,
    'CAP_NET_RAW for raw sockets, CAP_NET_BIND_SERVICE for ports below 1024: docs/installing.md, "Permissions"',
  );
}

/** Whether this user's processes may set buffers beyond net.core.rmem_max. */
export function isNetworkAdmin(): boolean {
  return ((effectiveCapabilities() ?? 0n) & capabilityMask('NET_ADMIN')) !== 0n;
}
