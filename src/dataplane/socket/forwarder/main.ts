/** The forwarder process: gives up its privileges, then moves packets until control ends. */

import {
  canRestrictCalls,
  dieWithParent,
  loadAddon,
  restrictCalls,
  restrictPrivileges,
} from '../../../native/privileges.ts';
import {
  type Descriptors,
  descriptorsOf,
  inheritedDescriptors,
  nameDescriptors,
  requireDescriptor,
} from '../descriptors.ts';
import { Bequest } from '../handover.ts';
import { Forwarder } from './forwarder.ts';
import type { ForwarderOptions, MessageFromForwarder, MessageToForwarder } from './messages.ts';

/** How long packets that wait in the receive buffer are still forwarded at the end. */
const DRAIN_MS = 300;

const HANDOVER_POLL_MS = 10;

function main(options: ForwarderOptions): void {
  process.title = `floxy: forwarder ${options.index}`;
  loadAddon();
  becomeUser(options.user);
  restrictPrivileges(0n);
  if (options.handover === undefined) dieWithParent(options.parentPid);
  // A terminal sends these to the whole group; control decides when a forwarder ends.
  process.on('SIGHUP', () => {});
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  const descriptors = inheritedDescriptors(options.descriptors);
  const forwarder = new Forwarder(options, descriptors);
  process.on('disconnect', () => outliveControl(forwarder, options, descriptors));
  process.on('message', (message: MessageToForwarder) => {
    if (message.kind === 'table') {
      forwarder.setTable(message.table);
      tell({ kind: 'applied', generation: message.table.generation });
    } else if (message.kind === 'count') {
      forwarder.countKernel();
      tell({ kind: 'counted', version: message.version });
    } else if (message.kind === 'taps') {
      forwarder.setTaps(message.taps);
      tell({ kind: 'tapped', version: message.version });
    } else {
      forwarder.stop(DRAIN_MS);
      process.exit(0);
    }
  });
  forwarder.setTaps(options.taps);
  forwarder.start();
  // Nothing that came from the network has been looked at yet.
  if (canRestrictCalls()) restrictCalls();
  tell({ kind: 'applied', generation: options.table.generation });
}

/** Goes on without control until a successor takes over and ends it, or until the limit without one. */
function outliveControl(
  forwarder: Forwarder,
  { handover }: ForwarderOptions,
  descriptors: Descriptors,
): void {
  if (handover === undefined) process.exit(0);
  // Nobody reads any more what captures wanted.
  forwarder.setTaps([]);
  const bequest = new Bequest(requireDescriptor(descriptors, 'handover'), handover.user);
  setInterval(() => {
    const request = bequest.poll(bequeathed(descriptors));
    if (request === undefined) return;
    if (request === 'drain') forwarder.stop(DRAIN_MS);
    else forwarder.endKernel();
    bequest.close();
    process.exit(0);
  }, HANDOVER_POLL_MS);
  const endAtLimit = () => {
    // It has no rules to start others by: packets are forwarded by those in force.
    if (!bequest.hasSuccessor) process.exit(0);
  };
  setTimeout(() => setInterval(endAtLimit, HANDOVER_POLL_MS), handover.limitMs);
}

/** What the next control does not make anew. */
function bequeathed(descriptors: Descriptors): Descriptors {
  const {
    counters,
    identities,
    'ended counters': ended,
    ring,
    'ring readers': readers,
  } = descriptors;
  const sockets = (['receive', 'own IPv4', 'own IPv6'] as const).map((kind) =>
    nameDescriptors(kind, descriptorsOf(descriptors, kind)),
  );
  return {
    ...Object.assign({}, ...sockets),
    counters,
    'ended counters': ended,
    identities,
    ring,
    'ring readers': readers,
  };
}

/**
 * All code is loaded before this: the user need not be able to read them, as in a checkout below /root.
 */
function becomeUser(user: ForwarderOptions['user']): void {
  if (user === undefined) return;
  process.setgroups?.([]);
  process.setgid?.(user.gid);
  process.setuid?.(user.uid);
}

function tell(message: MessageFromForwarder): void {
  process.send?.(message);
}

main(JSON.parse(process.argv[2] ?? '') as ForwarderOptions);
