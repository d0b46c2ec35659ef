/** The service itself: does it answer, and what does it say of itself? */
import { counted, type Found, fail, ok, warn } from '../finding.ts';
import { readLink } from '../host.ts';
import type { ServiceReport, StatusReport, Subject, SubsystemReport } from '../subject.ts';

const LOG_ADVICE = '`systemctl status floxy`, and its log: `journalctl -u floxy -e`';

export function lookAtService({ service, serviceError, target }: Subject): Found[] {
  if (service === undefined) {
    return [
      fail(
        `no service answers: ${serviceError ?? `unknown, at ${target}`}`,
        `--api says where it is; ${LOG_ADVICE}`,
      ),
    ];
  }
  const { status } = service;
  const findings = [
    ...lookAtSubsystem('proxy', status.proxy),
    ...lookAtSubsystem('database', status.database),
    ...lookAtNode(status),
    ...lookAtNamespace(service),
  ];
  return findings.some(({ level }) => level !== 'OK') ? findings : [ok(summary(service))];
}

function summary({ status, pid }: ServiceReport): string {
  const forwarders = status.forwarders ?? [];
  const restarts = forwarders.reduce((sum, { restarts: count }) => sum + Number(count ?? 0), 0);
  const replaced = restarts === 0 ? '' : `, replaced ${counted(restarts, 'time')}`;
  const process = pid === undefined ? '' : ` (pid ${pid})`;
  return `proxy and database are OK${process}, ${counted(forwarders.length, 'forwarder')}${replaced}`;
}

function lookAtSubsystem(
  name: string,
  { state = 'unknown', error }: SubsystemReport = {},
): Found[] {
  const what = `${name} is ${state}${error === undefined ? '' : `: ${error}`}`;
  if (state === 'OK' && error === undefined) return [];
  const advice = `as it says; ${LOG_ADVICE}`;
  if (state === 'OK' || state === 'Configuring') return [warn(what, advice)];
  return [fail(what, advice)];
}

function lookAtNode({ draining = false, follower }: StatusReport): Found[] {
  const found: Found[] = [];
  if (draining) {
    found.push(
      warn(
        'the node is being drained: the network is asked to send flow elsewhere',
        '`floxy drain --cancel` when the work is done',
      ),
    );
  }
  if (follower !== undefined && follower.state !== 'Connected') {
    const why = follower.error === undefined ? '' : `: ${follower.error}`;
    found.push(
      warn(
        `the leader ${follower.leader} is not heard${why}: rules stay as they are`,
        'is its API served, and open to this node? docs/following.md',
      ),
    );
  }
  return found;
}

/** What is said of routes and sockets is that of the namespace of this command. */
function lookAtNamespace({ pid }: ServiceReport): Found[] {
  if (pid === undefined) return [];
  const [own, its] = ['self', pid].map((name) => readLink(`/proc/${name}/ns/net`));
  if (own === undefined || its === undefined || own === its) return [];
  return [
    warn(
      `the service (pid ${pid}) is in another network namespace: what follows about sockets, routes and filters is not about it`,
      `\`nsenter --target ${pid} --net floxy doctor\``,
    ),
  ];
}
