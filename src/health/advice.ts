import type { HealthCheck } from '../model/rules.ts';

/** As people say it. */
export const CHECK_NAMES: Readonly<Record<HealthCheck | 'ICMP', string>> = {
  ICMP: 'ICMP echo',
  PORT: 'UDP port',
  TCP: 'TCP',
  HTTP: 'HTTP',
};

/** What to do when a collector is down by this check. */
export const ADVICE: Readonly<Record<HealthCheck | 'ICMP', string>> = {
  ICMP: 'see whether its host is up, and whether firewalls let echo requests of this host through',
  PORT: 'see whether the collector runs and listens on this port',
  TCP: 'see whether the collector runs, and whether firewalls let this host connect',
  HTTP: 'see what the collector says of itself at this URL, and whether firewalls let this host ask',
};
