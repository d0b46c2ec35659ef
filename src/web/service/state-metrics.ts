import type { PresentRules } from '../../control/statistics.ts';
import { EVENT_KINDS, type EventCounts } from '../../model/events.ts';
import type { FollowerStatus, State } from '../../model/status.ts';
import { judgeHealth } from '../../telemetry/health.ts';
import type { SystemStatus } from '../../telemetry/status.ts';
import { type Metric, type MetricType, secondsOf, single } from '../metric.ts';

/** What the proxy's page tells of its state. */
export interface ProxyState {
  readonly status: SystemStatus;
  readonly rules: PresentRules;
  readonly databaseBytes: number | undefined;
  readonly events: EventCounts;
}

const STATES: readonly State[] = ['OK', 'Configuring', 'NotConfigured', 'Offline'];

const SUBSYSTEMS = ['proxy', 'database'] as const;

const EVENT_MEANINGS = Object.entries(EVENT_KINDS)
  .map(([kind, { title }]) => `${kind} (${title})`)
  .join('; ');

/** Of the proxy: states, health, rules. */
export const STATE_METRICS: readonly Metric<ProxyState>[] = [
  {
    name: 'floxy_state',
    help: 'state of a subsystem: 1 for the one that it is in',
    type: 'gauge',
    labels: ['subsystem', 'state'],
    *read({ status }) {
      for (const subsystem of SUBSYSTEMS) {
        for (const state of STATES) {
          const value = status[subsystem].state === state ? 1 : 0;
          yield { labels: { subsystem, state }, value };
        }
      }
    },
  },
  {
    name: 'floxy_problem',
    help: 'whether something needs attention: what it is says floxy status, /readyz or the log',
    type: 'gauge',
    labels: ['subsystem'],
    *read({ status }) {
      for (const subsystem of SUBSYSTEMS) {
        yield { labels: { subsystem }, value: status[subsystem].error === undefined ? 0 : 1 };
      }
    },
  },
  {
    name: 'floxy_health_serving',
    help: 'health as the API tells it: node = does its share (load balancers), configured = and has had rules (announcers), proxy = packets are taken',
    type: 'gauge',
    labels: ['service'],
    *read({ status: { proxy, isDraining }, rules: { revision } }) {
      const facts = { state: proxy.state, isDraining, hasHadRules: revision.number > 0 };
      for (const [service, isWell] of Object.entries(judgeHealth(facts))) {
        yield { labels: { service }, value: isWell ? 1 : 0 };
      }
    },
  },
  gauge('floxy_draining', 'whether the network is asked to send flow elsewhere', ({ status }) => {
    return status.isDraining ? 1 : 0;
  }),
  gauge('floxy_rules', 'rules that this node has', ({ rules }) => rules.ruleSet.rules.length),
  gauge('floxy_default_outputs', 'outputs for packets that no rule matches', ({ rules }) => {
    return rules.ruleSet.defaultOutputs.length;
  }),
  gauge(
    'floxy_rules_set_aside',
    'rules and default outputs that do not fit this host any more and are not in force',
    ({ rules }) => rules.setAside,
  ),
  gauge('floxy_rules_revision', 'revision of the rules: grows with each change', ({ rules }) => {
    return rules.revision.number;
  }),
  gauge(
    'floxy_rules_changed_timestamp_seconds',
    'when the rules were changed last',
    ({ rules: { revision } }) => {
      return revision.at === undefined ? undefined : secondsOf(new Date(revision.at));
    },
  ),
  gauge('floxy_database_size_bytes', 'size of the database, its log included', (state) => {
    return state.databaseBytes;
  }),
  {
    name: 'floxy_events_total',
    help: `what has happened, by kind: ${EVENT_MEANINGS}`,
    type: 'counter',
    labels: ['kind'],
    *read({ events }) {
      for (const [kind, value] of events) yield { labels: { kind }, value };
    },
  },
];

/** Of a node that takes over the rules of another; on others there are none. */
export const FOLLOWER_METRICS: readonly Metric<ProxyState>[] = [
  follower('connected', 'whether there is a connection to the leader', ({ isConnected }) => {
    return isConnected ? 1 : 0;
  }),
  follower('leader_revision', 'revision of the leader, as it told last', (status) => {
    return status.leaderRevision;
  }),
  follower('applied_revision', 'revision of the leader that is in force here', (status) => {
    return status.appliedRevision;
  }),
  follower('lag_revisions', 'how many revisions this node is behind its leader', (status) => {
    return status.lagRevisions;
  }),
  follower('contact_age_seconds', 'time since the leader was heard last', (status) => {
    return status.secondsSinceContact;
  }),
  follower('overridden', 'whether the rules were changed here, against the leader', (status) => {
    return status.isOverridden ? 1 : 0;
  }),
  follower('problem', 'whether following has an error: floxy status says which', ({ error }) => {
    return error === undefined ? 0 : 1;
  }),
];

function gauge(
  name: string,
  help: string,
  value: (state: ProxyState) => number | undefined,
): Metric<ProxyState> {
  return single('gauge', name, help, value);
}

function follower(
  name: string,
  help: string,
  value: (status: FollowerStatus) => number | undefined,
): Metric<ProxyState> {
  const type: MetricType = 'gauge';
  return {
    name: `floxy_follower_${name}`,
    help,
    type,
    labels: ['leader'],
    read: ({ status: { follower: status } }) => {
      const present = status === undefined ? undefined : value(status);
      return status === undefined || present === undefined
        ? []
        : [{ labels: { leader: status.leader }, value: present }];
    },
  };
}
