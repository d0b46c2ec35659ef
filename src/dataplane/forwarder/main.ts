/** The forwarder process: gives up its privileges, then moves packets until control ends. */
import { dieWithParent, loadPacketIo, restrictPrivileges } from '../packet-io.ts';
import { Forwarder } from './forwarder.ts';
import type { ForwarderOptions, MessageFromForwarder, MessageToForwarder } from './messages.ts';

/** How long packets that wait in the receive buffer are still forwarded at the end. */
const DRAIN_MS = 300;

function main(options: ForwarderOptions): void {
  process.title = `floxy: forwarder ${options.index}`;
  loadPacketIo();
  becomeUser(options.user);
  restrictPrivileges(0n);
  dieWithParent(options.parentPid);
  // A terminal sends these to the whole group; control decides when a forwarder ends.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  process.on('disconnect', () => process.exit(0));

  const forwarder = new Forwarder(options);
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
