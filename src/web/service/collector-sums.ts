import type { CollectorStatus, CopySender } from '../../model/collector-status.ts';
import { formatEndpoint } from '../../model/endpoint.ts';

/** What was sent to one collector, and could not be. */
export interface CollectorSum {
  /** `198.51.100.1:2055`; ALL_COLLECTORS for all of them. */
  readonly collector: string;
  readonly packets: number;
  readonly bytes: number;
  readonly errors: ReadonlyMap<string, number>;
  /** How many of those that this is the sum of have a problem. */
  readonly problems: number;
  /** How many of those are down by their health; undefined when none is watched. */
  readonly down: number | undefined;
  /** How many of those get their copies in which way. */
  readonly senders: ReadonlyMap<CopySender, number>;
}

/** The label `collector` of all together, where there are too many to tell each. */
export const ALL_COLLECTORS = 'all collectors';

interface Remembered {
  /** As the rules in force had it last. */
  packets: number;
  bytes: number;
  /** What went with rules that are no more. */
  packetsBefore: number;
  bytesBefore: number;
}

/**
 * What was sent to collectors, as a counter has to be: what the rules in force have counted becomes less when one of them
 * is deleted, and monitoring would take that for a restart and add all of it again.
 */
export class CollectorSums {
  #remembered = new Map<string, Remembered>();

  /** @param limit more collectors than so many are told together */
  read(statuses: readonly CollectorStatus[], limit: number): CollectorSum[] {
    const seen = new Map<string, Remembered>();
    const sums = statuses.map((status): CollectorSum => {
      const collector = formatEndpoint(status.endpoint);
      const { packets, bytes, packetsBefore, bytesBefore } = this.#remember(collector, status);
      seen.set(collector, { packets, bytes, packetsBefore, bytesBefore });
      return {
        collector,
        packets: packets + packetsBefore,
        bytes: bytes + bytesBefore,
        errors: new Map(status.errors.map(({ code, count }) => [code, Number(count)])),
        problems: status.problem === undefined ? 0 : 1,
        down: status.health === undefined ? undefined : Number(status.health.state === 'down'),
        senders: new Map(status.sender === undefined ? [] : [[status.sender, 1]]),
      };
    });
    this.#remembered = seen;
    return sums.length > limit ? [total(sums)] : sums;
  }

  #remember(collector: string, { sent }: CollectorStatus): Remembered {
    const packets = Number(sent.packets);
    const bytes = Number(sent.bytes);
    const last = this.#remembered.get(collector);
    if (last === undefined) return { packets, bytes, packetsBefore: 0, bytesBefore: 0 };
    const { packetsBefore, bytesBefore } = last;
    if (packets >= last.packets && bytes >= last.bytes) {
      return { packets, bytes, packetsBefore, bytesBefore };
    }
    return {
      packets,
      bytes,
      packetsBefore: packetsBefore + Math.max(0, last.packets - packets),
      bytesBefore: bytesBefore + Math.max(0, last.bytes - bytes),
    };
  }
}

function total(sums: readonly CollectorSum[]): CollectorSum {
  const errors = new Map<string, number>();
  let packets = 0;
  let bytes = 0;
  let problems = 0;
  let down: number | undefined;
  const senders = sendersOf(sums);
  for (const sum of sums) {
    if (sum.down !== undefined) down = (down ?? 0) + sum.down;
    packets += sum.packets;
    bytes += sum.bytes;
    problems += sum.problems;
    for (const [code, count] of sum.errors) errors.set(code, (errors.get(code) ?? 0) + count);
  }
  return { collector: ALL_COLLECTORS, packets, bytes, errors, problems, down, senders };
}

/** How many collectors get their copies in which way. */
export function sendersOf(
  sums: readonly Pick<CollectorSum, 'senders'>[],
): ReadonlyMap<CopySender, number> {
  const all = new Map<CopySender, number>();
  for (const { senders } of sums)
    for (const [sender, count] of senders) all.set(sender, (all.get(sender) ?? 0) + count);
  return all;
}
