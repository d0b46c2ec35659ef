import type { HealthCheck } from '../../model/rules.ts';
import type { Check } from './check.ts';
import { HttpCheck } from './http-check.ts';
import { IcmpCheck } from './icmp-check.ts';
import { OpenPlaces } from './open-places.ts';
import { PortCheck } from './port-check.ts';
import { TcpCheck } from './tcp-check.ts';

/** Connections for TCP and HTTP that are open at once. */
const MAX_CONNECTIONS = 2048;

export type Checks = Readonly<Record<HealthCheck | 'ICMP', Check>>;

/** All ways to check a collector. */
export function makeChecks(): Checks {
  const places = new OpenPlaces(MAX_CONNECTIONS);
  return {
    ICMP: new IcmpCheck(),
    PORT: new PortCheck(),
    TCP: new TcpCheck(places),
    HTTP: new HttpCheck(places),
  };
}
