import { formatAddress } from '../model/address.ts';
import { addressKind } from '../model/address-kind.ts';
import { type Kind, Refusal } from './setting.ts';
import { formatSocketAddress, parseListenAddress, type SocketAddress } from './socket-address.ts';

/** Each forwarder has a socket for each. */
export const MAX_LISTENERS = 32;

/**
 * Where flow is received, in the order in which it is written. What comes to an address that two of them have goes to
 * the narrower one (`192.0.2.1:2055` beside `[::]:2055`). The two wildcards of one port are refused: the kernel would
 * give both of them what comes to a broadcast or multicast address.
 */
export const LISTENERS: Kind<readonly SocketAddress[]> = {
  allowed:
    'IP addresses with ports from 1 to 65535 and commas between them, such as 192.0.2.1:2055 or [::]:2055,[::]:4739; no host name, zone, multicast, broadcast or link-local',
  read: (text) => {
    const parts = text.split(',').map((part) => part.trim());
    const found = parts.map(parseListenAddress);
    const wrong = found.indexOf(undefined);
    const listeners = found.filter((one) => one !== undefined);
    if (wrong < 0) return problemOf(listeners) ?? listeners;
    if (parts.length === 1) return undefined;
    return new Refusal(`must be ${LISTENERS.allowed}; "${parts[wrong]}" is none`);
  },
  print: (listeners) => listeners.map(formatSocketAddress).join(','),
};

function problemOf(listeners: readonly SocketAddress[]): Refusal | undefined {
  if (listeners.length > MAX_LISTENERS) {
    return new Refusal(`must be ${MAX_LISTENERS} addresses at most, not ${listeners.length}`);
  }
  const names = listeners.map(formatSocketAddress);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) return new Refusal(`has ${twice} twice: leave one of them`);
  for (const { octets, port } of listeners) {
    if (octets.length !== 16 || addressKind(octets) !== 'unspecified') continue;
    const other = names.indexOf(`0.0.0.0:${port}`);
    if (other >= 0) {
      const both = `[${formatAddress(octets)}]:${port} takes IPv4 too`;
      return new Refusal(`has ${names[other]}, but ${both}: leave one of them`);
    }
  }
  return undefined;
}
