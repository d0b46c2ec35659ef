/** The health of collectors as messages. */
import type { HealthSummary, WatchedCollector } from '../model/collector-health.ts';
import { type AddressFormat, endpointMessage } from '../rules/endpoint-message.ts';
import type { HealthStatusMessage, WatchedCollectorMessage } from './messages.ts';

export function fromHealthSummary(summary: HealthSummary): HealthStatusMessage {
  const { watched, down, unknown, troubled } = summary;
  return { watched, down, unknown, troubled: troubled.map((one) => fromWatched(one, 'text')) };
}

export function fromWatched(
  { endpoint, check, state, since, cause, problem }: WatchedCollector,
  format: AddressFormat,
): WatchedCollectorMessage {
  return {
    endpoint: endpointMessage(endpoint, format),
    check,
    state,
    since: since.toISOString(),
    ...(cause !== undefined && { cause }),
    ...(problem !== undefined && { problem }),
  };
}
