/** Descriptors travel by name: from control to its forwarders, and from them to the next control. */

/** A forwarder's descriptors begin here: before them are the standard streams and the channel to control. */
const FIRST_FD = 4;

export type DescriptorName =
  /** UDP socket of the listener with this index. */
  | `receive ${number}`
  /** Raw sockets; none where the host lacks the family. They are not handed over. */
  | `send IPv4 ${number}`
  | `send IPv6 ${number}`
  /** UDP sockets that send from an address of this host, each from a port that it keeps. */
  | `own IPv4 ${number}`
  | `own IPv6 ${number}`
  /** Packet sockets; none where the kernel has none. They are not handed over. */
  | `frames ${number}`
  | 'counters'
  /** The sums of forwarders that are no more; only control writes them. */
  | 'ended counters'
  /** What counts where. */
  | 'identities'
  /** The memory files that tables are in. */
  | `table ${0 | 1}`
  /** The path table (native/include/paths.h). It is not handed over. */
  | 'paths'
  /** The ring that pipelines read, and what its readers keep. */
  | 'ring'
  | 'ring readers'
  /** The ring that captures read. It is not handed over. */
  | 'tap'
  /**
   * Of the program in the kernel: its settings, the ring with what it has handled, and the links by which it sees packets,
   * by interface. They are not handed over: each control has a program of its own. Only the ring of a forwarder that is
   * killed, with what it has not counted, goes to the one after it.
   */
  | 'kernel settings'
  | 'kernel ring'
  | 'former kernel ring'
  | `kernel link ${number}`
  /** Where the next control asks for all of these. */
  | 'handover';

/** Numbers by name; undefined or absent are those that are not there. */
export type Descriptors = Readonly<Partial<Record<DescriptorName, number | undefined>>>;

/** Those that are there, in one order. */
export function presentDescriptors(descriptors: Descriptors): readonly [DescriptorName, number][] {
  return Object.entries(descriptors).flatMap(([name, fd]) =>
    fd === undefined ? [] : [[name as DescriptorName, fd]],
  );
}

/** What a forwarder finds open that was started with descriptors of these names. */
export function inheritedDescriptors(names: readonly string[]): Descriptors {
  return Object.fromEntries(names.map((name, index) => [name, FIRST_FD + index]));
}

/** @throws Error when it is not there */
export function requireDescriptor(descriptors: Descriptors, name: DescriptorName): number {
  const fd = descriptors[name];
  if (fd === undefined) throw new Error(`there is no descriptor "${name}"`);
  return fd;
}

/** Of which there are several. */
export type SocketKind = 'receive' | 'send IPv4' | 'send IPv6' | 'own IPv4' | 'own IPv6' | 'frames';

/** Numbers of all whose names begin so, in their order. */
export function descriptorsOf(descriptors: Descriptors, kind: SocketKind): readonly number[] {
  return presentDescriptors(descriptors)
    .filter(([name]) => name.startsWith(`${kind} `))
    .map(([, fd]) => fd);
}

/** The other way round. */
export function nameDescriptors(kind: SocketKind, fds: readonly number[]): Descriptors {
  return Object.fromEntries(fds.map((fd, index) => [`${kind} ${index}`, fd]));
}
