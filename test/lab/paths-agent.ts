/** Agent that keeps the path table of the network namespace that it runs in, as control does. */
import pino from 'pino';
import { Paths } from '../../src/app/paths.ts';
import type { Octets } from '../../src/model/address.ts';
import { parseAddress } from '../../src/model/address.ts';
import { makeEndpoint } from '../../src/model/endpoint.ts';
import { restrictPrivileges } from '../../src/native/privileges.ts';
import { hostWatches } from '../../src/paths/host-watches.ts';
import type { SenderSetting } from '../../src/paths/sender-choice.ts';
import { PathTableReader } from '../support/path-table.ts';
import { serveRequests } from './agent-loop.ts';

const lines: string[] = [];
const log = pino({ base: null }, { write: (line) => void lines.push(JSON.parse(line).msg) });
let paths: Paths | undefined;
let reader: PathTableReader | undefined;

function started() {
  if (paths === undefined || reader === undefined) throw new Error('not started');
  return { paths, reader };
}

function octetsOf(host: string): Octets {
  const octets = parseAddress(host);
  if (octets === undefined) throw new Error(`${host} is no address`);
  return octets;
}

void serveRequests({
  /** @param keepsPrivileges otherwise it gives them up as control does; `never` had none */
  start({ sender, privileges }: { sender: SenderSetting; privileges: 'given up' | 'never' }) {
    if (privileges === 'never') restrictPrivileges(0n);
    paths = new Paths({ engine: 'socket', sender }, hostWatches(), log);
    reader = new PathTableReader(paths.table.readOnlyFd);
    paths.open();
    restrictPrivileges(0n);
    paths.start();
  },
  /** Makes a table that names these collectors. */
  want({ hosts }: { hosts: readonly string[] }) {
    const { table } = started().paths;
    table.renew();
    const indexes = hosts.map((host) => table.indexOf(makeEndpoint(octetsOf(host), 0)));
    table.settle();
    return indexes;
  },
  row({ index }: { index: number }) {
    return started().reader.row(index);
  },
  header() {
    return started().reader.header;
  },
  status() {
    const { without, ...status } = started().paths.status();
    return { ...status, without: Object.fromEntries(without) };
  },
  senderTo({ host }: { host: string }) {
    return started().paths.senderTo({ octets: octetsOf(host) }).sender;
  },
  log() {
    return lines.splice(0);
  },
});
