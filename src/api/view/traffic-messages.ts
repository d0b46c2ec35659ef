/** Rows of traffic as messages. */
import { formatDuration } from '../../base/duration.ts';
import { present } from '../../base/present.ts';
import type { Exporter } from '../../model/rules.ts';
import { rounded } from '../../protocol/codec.ts';
import { fromWatched } from '../../protocol/health-codec.ts';
import { fromRate } from '../../protocol/view-codec.ts';
import type {
  CollectorTrafficMessage,
  ExporterTrafficMessage,
} from '../../protocol/view-messages.ts';
import { type AddressFormat, endpointMessage } from '../../rules/endpoint-message.ts';
import { exporterMessage } from '../../rules/message.ts';
import { sendErrorAdvice } from '../../telemetry/send-errors.ts';
import type { CollectorRow, ExporterRow } from './traffic-rows.ts';

export function exporterTraffic(row: ExporterRow, format: AddressFormat): ExporterTrafficMessage {
  const { endpoint, rule, state, rate, lost, lostPerSecond, lastSeen, seen } = row;
  const { expectEveryMs, description } = row;
  return {
    endpoint: endpointMessage(endpoint, format),
    ...(rule && ruleFields(rule, format)),
    state,
    received: {
      packets: `${seen?.received.packets ?? 0n}`,
      bytes: `${seen?.received.bytes ?? 0n}`,
    },
    rate: fromRate(rate),
    protocol: seen?.protocol ?? '',
    ...(seen && { firstSeen: seen.firstSeen.toISOString() }),
    ...(lastSeen && { lastSeen: lastSeen.toISOString() }),
    truncated: `${seen?.truncated ?? 0n}`,
    lost: `${lost}`,
    lostPerSecond: rounded(lostPerSecond),
    protocols: seen?.protocols ?? [],
    missed: (seen?.missed ?? []).map((one) => ({ ...one, lost: `${one.lost}` })),
    ...(expectEveryMs !== undefined && { expectEvery: formatDuration(expectEveryMs) }),
    ...(description !== undefined && { description }),
  };
}

function ruleFields(rule: Exporter, format: AddressFormat) {
  const { endpoint, prefixLength, listeningPort } = exporterMessage(rule, format);
  return {
    rule: endpoint,
    ...present<Pick<ExporterTrafficMessage, 'rulePrefixLength' | 'ruleListeningPort'>>({
      rulePrefixLength: prefixLength,
      ruleListeningPort: listeningPort,
    }),
  };
}

export function collectorTraffic(
  row: CollectorRow,
  format: AddressFormat,
): CollectorTrafficMessage {
  const { endpoint, rate, lostPerSecond, status } = row;
  const { outputs, sent, errors, lastError, route, neighbour, device, via, health } = status;
  const problem = status.problem ?? lossProblem(row);
  return {
    endpoint: endpointMessage(endpoint, format),
    outputs,
    sent: { packets: `${sent.packets}`, bytes: `${sent.bytes}` },
    rate: fromRate(rate),
    errors: errors.map(({ code, count }) => ({ code, count: `${count}` })),
    lostPerSecond: rounded(lostPerSecond),
    ...(lastError && {
      lastError: {
        code: lastError.code,
        at: lastError.at.toISOString(),
        ...(lastError.exporter && { exporter: endpointMessage(lastError.exporter, format) }),
      },
    }),
    route,
    neighbour,
    ...(device !== undefined && { device }),
    ...(via !== undefined && { via }),
    ...(problem !== undefined && { problem }),
    ...(health && { health: fromWatched(health, format) }),
    ...present<Pick<CollectorTrafficMessage, 'description' | 'sender' | 'senderReason'>>({
      description: status.description,
      sender: status.sender,
      senderReason: status.senderReason,
    }),
  };
}

/** What copies are lost by at present, and what helps. */
function lossProblem({ lostPerSecond, status: { lastError } }: CollectorRow): string | undefined {
  if (lostPerSecond === 0 || lastError === undefined) return undefined;
  const advice = sendErrorAdvice(lastError.code);
  const lost = `copies are lost by ${lastError.code}`;
  return advice === undefined ? lost : `${lost}: ${advice}`;
}
