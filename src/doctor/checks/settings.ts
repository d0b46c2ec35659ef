import { type Found, fail, ok, warn } from '../finding.ts';
import type { Subject } from '../subject.ts';

export function lookAtSettings({ settings }: Subject): Found[] {
  const { config, problems, unknown, from } = settings;
  const found: Found[] = [
    ...problems.map(({ variable, value, message }) =>
      fail(
        `${from}: ${variable}=${value ?? ''} ${message}`,
        'the service does not start with it: docs/settings.md',
      ),
    ),
    ...unknown.map(({ name, nearest }) =>
      warn(`${from}: ${name} has no effect: there is no such setting`, `is ${nearest} meant?`),
    ),
  ];
  if (config !== undefined && config.listeners.length === 0) {
    found.push(
      warn(
        `${from}: COLLECTOR_FLOXY_ADDRESS is not set, the proxy is off`,
        'set it to where flow is received, such as [::]:2055; a service that runs with other settings than this shell: call as root',
      ),
    );
  }
  return found.length > 0 ? found : [ok(`those of ${from} can be used`)];
}
