import { programPath } from '../../tools/traffic/programs.ts';
import { collectorAddresses, FLOW_PORT } from '../topology.ts';
import { type Contestant, collectorFamily } from './contestant.ts';
import { startListener } from './listener.ts';

export const limit: Contestant = {
  name: 'limit',
  description:
    'bench/limit: recvmmsg, spoofed headers, checksum, sendmmsg on a raw socket in C; same batch, no rules, no counters',
  start: (options) => {
    const { scenario } = options;
    const collectors = collectorAddresses(collectorFamily(scenario), scenario.copies);
    return startListener(options, [programPath('limit'), `${FLOW_PORT}`, ...collectors]);
  },
};
