/** What `floxy status` shows of an answer of GetOverview. */
import { withoutControls } from '../base/text.ts';
import type { OverviewMessage, RateMessage, TrafficMessage } from '../protocol/view-messages.ts';
import type { Shown } from './shown.ts';
import { byteRate, counted, shortRate, shortTime } from './units.ts';

type ShownOverview = Shown<OverviewMessage>;

/** UDP that is not for the proxy: of no interest here. */
const NOT_FOR_US = 'not_listener';

/** So many reasons are told, the commonest ones. */
const MAX_REASONS = 3;

/** Counters older than the process by more than this are told. */
const COUNTED_LONGER_SECONDS = 60;

/** First the verdict, then what goes through, then what is wrong. */
export function statusScreen(overview: ShownOverview, now: Date): string {
  const lines = [
    verdictLine(overview, now),
    trafficLine(overview),
    ...listenerLines(overview),
    ...kernelLines(overview),
    ...problemLines(overview),
  ];
  return lines.map((line) => `${withoutControls(line)}\n`).join('');
}

function verdictLine(overview: ShownOverview, now: Date): string {
  const { verdict = '', build, startedAt, countersSince, listening = [], revision } = overview;
  const { forwarders = [] } = overview;
  const up = secondsSince(startedAt, now);
  const counting = secondsSince(countersSince, now);
  const since =
    counting > up + COUNTED_LONGER_SECONDS ? ` (counting for ${shortTime(counting)})` : '';
  const parts = [
    `floxy ${build?.version ?? ''} (${build?.commit?.slice(0, 7) ?? ''}) up ${shortTime(up)}${since}`,
    ...(listening.length === 0 ? ['the proxy is off'] : listening),
    ...(forwarders.length === 0 ? [] : [counted(forwarders.length, 'forwarder')]),
    ...(revision === undefined ? ['rules not known yet'] : ruleCounts(overview)),
  ];
  return `${verdict}  ${parts.join(', ')}`;
}

function ruleCounts({ revision = '0', rules = '0', defaultOutputs = '0' }: ShownOverview) {
  const defaults = Number(defaultOutputs);
  return [
    `revision ${revision}`,
    counted(Number(rules), 'rule'),
    ...(defaults === 0 ? [] : [counted(defaults, 'default output')]),
  ];
}

function trafficLine({ recent, now }: ShownOverview): string {
  if (recent === undefined) return 'no traffic was measured yet';
  const lost = (recent.losses ?? []).reduce((sum, { packets = '0' }) => sum + Number(packets), 0);
  const rates = [
    `in ${rateText(recent.received)}`,
    `out ${rateText(recent.forwarded)}`,
    ...(isFlowing(recent.pipelines) ? [`to pipelines ${rateText(recent.pipelines)}`] : []),
    `lost ${lost.toLocaleString('en')}`,
  ];
  const present = now === undefined ? '' : `; now ${nowText(now)}`;
  return `${rates.join(', ')} in ${shortTime(recent.seconds ?? 0)}${present}`;
}

/** Of several addresses, what came to each since counters began. */
function listenerLines({ listeners = [] }: ShownOverview): string[] {
  if (listeners.length < 2) return [];
  return listeners.map(({ address = '', received, kernelDrops = '0' }) => {
    const packets = Number(received?.packets ?? 0).toLocaleString('en');
    const dropped = Number(kernelDrops).toLocaleString('en');
    return `  ${address}: ${packets} packets received, ${dropped} dropped by the kernel`;
  });
}

/** What the kernel has handled since its program was loaded, and why not the rest. */
function kernelLines({ kernelEngine }: ShownOverview): string[] {
  if (kernelEngine === undefined) return [];
  const { problem, interfaces = [], handled, up = [] } = kernelEngine;
  if (problem !== undefined) return [`  not in the kernel: ${problem}`];
  const told = up
    .filter(({ reason }) => reason !== NOT_FOR_US)
    .toSorted((a, b) => Number(b.packets) - Number(a.packets))
    .slice(0, MAX_REASONS)
    .map(
      ({ packets = '0', meaning = '' }) => `${Number(packets).toLocaleString('en')} (${meaning})`,
    );
  const rest = told.length === 0 ? '' : `; up to forwarders: ${told.join(', ')}`;
  const packets = Number(handled?.packets ?? 0).toLocaleString('en');
  return [`  in the kernel, at ${interfaces.join(', ')}: ${packets} packets${rest}`];
}

function nowText({ received, forwarded }: Shown<TrafficMessage>): string {
  return `in ${packetRate(received)}, out ${packetRate(forwarded)}`;
}

function rateText(rate: Shown<RateMessage> | undefined): string {
  return `${packetRate(rate)} ${byteRate(rate?.bytesPerSecond ?? 0)}`;
}

function packetRate(rate: Shown<RateMessage> | undefined): string {
  return `${shortRate(rate?.packetsPerSecond ?? 0)} pps`;
}

function isFlowing(rate: Shown<RateMessage> | undefined): boolean {
  return (rate?.packetsPerSecond ?? 0) > 0;
}

function problemLines({ problems = [] }: ShownOverview): string[] {
  if (problems.length === 0) return [];
  const lines = problems.flatMap(({ what = '', advice }) => {
    return advice === undefined ? [`- ${what}`] : [`- ${what}`, `  ${advice}`];
  });
  return ['', ...lines.map((line) => line.replaceAll('`', ''))];
}

function secondsSince(rfc3339: string | undefined, now: Date): number {
  return rfc3339 === undefined ? 0 : (now.getTime() - Date.parse(rfc3339)) / 1000;
}
