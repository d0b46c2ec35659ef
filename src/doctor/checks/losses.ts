import { counted, type Found, ok, skip, warn } from '../finding.ts';
import type { Subject } from '../subject.ts';

/** What the service, and the kernel before it, lost while this looked. */
export function lookAtLosses({ samples: [before, after], service }: Subject): Found[] {
  if (before.losses === undefined || after.losses === undefined)
    return [skip('no service answers')];
  const seconds = Math.max(1, Math.round((after.atMs - before.atMs) / 1000));
  const found: Found[] = [];
  for (const [name, { count, advice }] of after.losses) {
    const grown = count - (before.losses.get(name)?.count ?? 0);
    if (grown > 0)
      found.push(
        warn(
          `${name}: ${counted(grown, 'packet')} in ${counted(seconds, 'second')} (${count} in all)`,
          advice,
        ),
      );
  }
  const checksums = (after.kernel.checksumErrors ?? 0) - (before.kernel.checksumErrors ?? 0);
  if (checksums > 0) {
    found.push(
      warn(
        `${counted(checksums, 'UDP packet')} came with a wrong checksum in ${counted(seconds, 'second')}, of whomever: the kernel drops them`,
        'find what spoils them: `tcpdump -vvni any udp` shows bad checksums; checksum offload of virtual network cards often does',
      ),
    );
  }
  if (found.length > 0) return found;
  const old = [...after.losses].map(([name, { count }]) => `${count} ${name}`);
  const since = service?.status.countersSince;
  const earlier = old.length === 0 ? '' : `; since ${since ?? 'the start'}: ${old.join(', ')}`;
  return [ok(`none in ${counted(seconds, 'second')}${earlier}`)];
}
