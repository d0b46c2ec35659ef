/** Collectors as messages of proto/floxy.proto, written and read. */
import { formatDuration } from '../base/duration.ts';
import type { Problem } from '../base/errors.ts';
import { present } from '../base/present.ts';
import { MAX_PORT } from '../model/endpoint.ts';
import { type Collector, type Health, MAX_WEIGHT } from '../model/rules.ts';
import { formatSourcePrefix, parseSourcePrefix } from '../model/source-prefix.ts';
import {
  type AddressFormat,
  type EndpointMessage,
  endpointMessage,
  readEndpoint,
  type Unchecked,
} from './endpoint-message.ts';
import { FieldReader } from './field-reader.ts';

export interface HealthMessage {
  readonly check?: string;
  readonly port?: number;
  readonly url?: string;
  readonly interval?: string;
  readonly timeout?: string;
  readonly rise?: number;
  readonly fall?: number;
}

export interface CollectorMessage {
  readonly endpoint: EndpointMessage;
  readonly weight?: number;
  readonly source?: string;
  readonly sourceEndpoint?: EndpointMessage;
  readonly hopLimit?: number;
  readonly dscp?: number;
  readonly ipv4SourcePrefix?: string;
  readonly health?: HealthMessage;
  readonly standby?: boolean;
  readonly description?: string;
}

const CHECKS = ['ICMP', 'PORT', 'TCP', 'HTTP'] as const;
const MAX_URL_LENGTH = 1024;

const BOUNDS = {
  weight: { min: 1, max: MAX_WEIGHT },
  hopLimit: { min: 1, max: 255 },
  dscp: { min: 0, max: 63 },
  port: { min: 1, max: MAX_PORT },
  interval: { min: 100, max: 3_600_000 },
  times: { min: 1, max: 100 },
} as const;

export function collectorMessage(collector: Collector, format: AddressFormat): CollectorMessage {
  const { endpoint, weight, source, sourceEndpoint, hopLimit, dscp } = collector;
  const { ipv4SourcePrefix: prefix, health, isStandby, description } = collector;
  return {
    endpoint: endpointMessage(endpoint, format),
    ...present<Omit<CollectorMessage, 'endpoint'>>({
      weight: weight === 1 ? undefined : weight,
      source,
      sourceEndpoint: sourceEndpoint && endpointMessage(sourceEndpoint, format),
      hopLimit,
      dscp,
      ipv4SourcePrefix: prefix && formatSourcePrefix(prefix),
      health: health && healthMessage(health),
      standby: isStandby,
      description,
    }),
  };
}

function healthMessage(health: Health): HealthMessage {
  const { check, port, url, intervalMs, timeoutMs, rise, fall } = health;
  const duration = (ms: number | undefined) => (ms === undefined ? undefined : formatDuration(ms));
  return present<HealthMessage>({
    check,
    port,
    url,
    interval: duration(intervalMs),
    timeout: duration(timeoutMs),
    rise,
    fall,
  });
}

export function readCollector(
  message: Unchecked<CollectorMessage>,
  path: string,
  problems: Problem[],
): Collector {
  const fields = new FieldReader(path, problems);
  const { sourceEndpoint, health } = message;
  return {
    endpoint: readEndpoint(message.endpoint, `${path}.endpoint`, problems),
    weight: fields.number('weight', message.weight, BOUNDS.weight) ?? 1,
    ...present<Omit<Collector, 'endpoint' | 'weight'>>({
      source: fields.choice('source', message.source, ['EXPORTER', 'PROXY'], 'EXPORTER'),
      sourceEndpoint: sourceEndpoint
        ? readEndpoint(sourceEndpoint, `${path}.source_endpoint`, problems)
        : undefined,
      hopLimit: fields.number('hop_limit', message.hopLimit, BOUNDS.hopLimit),
      dscp: fields.number('dscp', message.dscp, BOUNDS.dscp, 0),
      ipv4SourcePrefix: readPrefix(message.ipv4SourcePrefix, fields),
      health: health ? readHealth(health, `${path}.health`, problems) : undefined,
      isStandby: message.standby === true ? true : undefined,
      description: fields.description(message.description),
    }),
  };
}

function readPrefix(text: string | null | undefined, fields: FieldReader) {
  if (text === undefined || text === null) return undefined;
  const prefix = parseSourcePrefix(text);
  if (prefix === undefined) {
    const message = `${JSON.stringify(text)} is no IPv6 prefix of 96 bits, such as 64:ff9b::/96`;
    fields.problem('ipv4_source_prefix', message);
  }
  return prefix;
}

function readHealth(message: Unchecked<HealthMessage>, path: string, problems: Problem[]): Health {
  const fields = new FieldReader(path, problems);
  return present<Health>({
    check: fields.choice('check', message.check, CHECKS, 'ICMP'),
    port: fields.number('port', message.port, BOUNDS.port, 0),
    url: readUrl(message.url, fields),
    intervalMs: fields.duration('interval', message.interval, BOUNDS.interval),
    timeoutMs: fields.duration('timeout', message.timeout, BOUNDS.interval),
    rise: fields.number('rise', message.rise, BOUNDS.times),
    fall: fields.number('fall', message.fall, BOUNDS.times),
  });
}

function readUrl(text: string | null | undefined, fields: FieldReader): string | undefined {
  if (text === undefined || text === null) return undefined;
  const isHttp = /^https?:\/\//.test(text) && URL.canParse(text);
  if (!isHttp || text.length > MAX_URL_LENGTH) {
    const allowed = `a URL of http or https of up to ${MAX_URL_LENGTH} characters`;
    fields.problem('url', `${JSON.stringify(text)} is not ${allowed}`);
  }
  return text;
}
