import path from 'node:path';
import { collectorAddresses, FLOW_PORT } from '../topology.ts';
import { type Contestant, collectorFamily } from './contestant.ts';
import { startListener } from './listener.ts';

const PROGRAM = path.join(import.meta.dirname, 'dgram-forwarder.ts');

export const dgram: Contestant = {
  name: 'dgram',
  description:
    "the naive way: node:dgram in, node:dgram out, one message a call; NOT spoofed, collectors see the proxy's address",
  start: (options) => {
    const { scenario } = options;
    const family = collectorFamily(scenario);
    const collectors = collectorAddresses(family, scenario.copies);
    const type = family === 'ipv4' ? 'udp4' : 'udp6';
    return startListener(options, [process.execPath, PROGRAM, type, `${FLOW_PORT}`, ...collectors]);
  },
};
