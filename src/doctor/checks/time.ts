import { isClockSynchronised } from '../../native/processes.ts';
import { type Found, ok, warn } from '../finding.ts';

/** Times of flow records, captures and logs are those of this clock. */
export function lookAtTime(): Found[] {
  if (isClockSynchronised()) return [ok('the clock is kept right')];
  return [
    warn(
      'nothing keeps the clock of this host right: times of records, captures and logs drift',
      'chrony, or systemd-timesyncd (`timedatectl set-ntp true`); in a container that of its host',
    ),
  ];
}
