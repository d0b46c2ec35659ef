import type { Link } from '../../src/native/network.ts';

/** An interface that frames can leave by. */
export const ETHERNET_LINK: Link = {
  index: 2,
  name: 'eth0',
  mtu: 1500,
  ipv6Mtu: 1500,
  isUp: true,
  isRunning: true,
  isLoopback: false,
  isEthernet: true,
  hasNeighbours: true,
  hardware: Uint8Array.of(2, 0, 0, 0, 0, 1),
};
