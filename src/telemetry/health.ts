import type { State } from '../model/status.ts';
import type { SystemStatus } from './status.ts';

/** What health depends on. */
export interface HealthFacts {
  readonly state: State;
  readonly isDraining: boolean;
  /** Somebody has given rules to this node, be it long ago. */
  readonly hasHadRules: boolean;
}

/** Whether each part of health is well (spec A11); api/health.ts says by which names the API tells it. */
export interface Health {
  /** The node does its share: packets are forwarded by the configured rules, and it is not being drained. */
  readonly node: boolean;
  /** The same, on a node that has had rules. */
  readonly configured: boolean;
  /** Packets are taken. */
  readonly proxy: boolean;
}

export function judgeHealth({ state, isDraining, hasHadRules }: HealthFacts): Health {
  const node = state === 'OK' && !isDraining;
  return {
    node,
    configured: node && hasHadRules,
    proxy: state === 'OK' || state === 'NotConfigured',
  };
}

/** Why the node does not do its share, in words; undefined when it does. */
export function notReadyReason(
  status: Pick<SystemStatus, 'proxy' | 'isDraining'>,
): string | undefined {
  const { proxy, isDraining } = status;
  const { node } = judgeHealth({ state: proxy.state, isDraining, hasHadRules: true });
  if (node) return undefined;
  if (proxy.state === 'OK') return 'the node is being drained';
  return `the proxy is ${proxy.state}${proxy.error === undefined ? '' : `: ${proxy.error}`}`;
}
