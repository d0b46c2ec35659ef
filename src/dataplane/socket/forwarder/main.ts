/** The forwarder process: gives up its privileges, then moves packets until control ends. */

import { dieWithParent, loadAddon, restrictPrivileges } from '../../../native/privileges.ts';
import { Bequest, type HandoverState, MEMORY_LAYOUT } from '../handover.ts';
import { Forwarder } from './forwarder.ts';
import {
  FORWARDER_FD,
  type ForwarderOptions,
  type MessageFromForwarder,
  type MessageToForwarder,
} from './messages.ts';

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
  const forwarder = new Forwarder(options);
  process.on('disconnect', () => outliveControl(forwarder, options));
  process.on('message', (message: MessageToForwarder) => {
    if (message.kind === 'table') {
      forwarder.setTable(message.table);
      tell({ kind: 'applied', generation: message.table.generation });
    } else {
      forwarder.stop(DRAIN_MS);
      process.exit(0);
    }
  });
  forwarder.start();
  tell({ kind: 'applied', generation: options.table.generation });
}

/** Goes on without control until a successor takes over, or until the limit. */
function outliveControl(forwarder: Forwarder, options: ForwarderOptions): void {
  const { handover } = options;
  if (handover === undefined) process.exit(0);
  const bequest = new Bequest(FORWARDER_FD.HANDOVER, handover.user);
  const descriptors = {
    receive: FORWARDER_FD.RECEIVE,
    counters: FORWARDER_FD.COUNTERS,
    table: FORWARDER_FD.TABLES[forwarder.table.file],
  };
  const state: HandoverState = {
    pid: process.pid,
    layout: MEMORY_LAYOUT,
    listen: handover.listen,
    receiveBufferBytes: handover.receiveBufferBytes,
    slotCount: options.slotCount,
    table: forwarder.table,
  };
  setInterval(() => {
    if (!bequest.poll(state, descriptors)) return;
    bequest.close();
    process.exit(0);
  }, HANDOVER_POLL_MS);
  setTimeout(() => {
    forwarder.stop(DRAIN_MS);
    process.exit(0);
  }, handover.limitMs);
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
