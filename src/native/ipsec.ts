/** The policies of IPsec, and what becomes of them (native/include/sys_watch.h): as nftables in firewall.ts. */
import { addon } from './addon.ts';
import { Announcements } from './announcements.ts';
import { readList } from './list.ts';

export interface IpsecEvent {
  /** Of the policy; 0 = of all there are. */
  readonly index: number;
  readonly isThere: boolean;
}

const EVENT_BYTES = 8;

/** Indexes of the policies of this network namespace. @throws SystemCallError EPERM without the right to ask */
export function readIpsecPolicies(): number[] {
  const bytes = readList('readIpsecPolicies', EVENT_BYTES, (room) => addon().ipsecPolicies(room));
  return parseEvents(bytes).map(({ index }) => index);
}

/** Has the kernel announce what changes from now on. @throws SystemCallError EPERM without the right to be told */
export function watchIpsec(): Announcements<IpsecEvent> {
  return new Announcements({
    name: 'watchIpsec',
    open: () => addon().ipsecOpen(),
    take: (handle, bytes) => addon().ipsecTake(handle, bytes),
    eventBytes: EVENT_BYTES,
    parse: parseEvents,
  });
}

function parseEvents(bytes: Uint8Array): IpsecEvent[] {
  return Array.from({ length: bytes.length / EVENT_BYTES }, (_, i) => {
    const [index = 0, isThere] = new Uint32Array(
      bytes.buffer,
      bytes.byteOffset + i * EVENT_BYTES,
      2,
    );
    return { index, isThere: isThere === 1 };
  });
}
