/** Names with placeholders: topics, subjects, files. */
import { z } from 'zod';
import type { FlowProtocol } from '../model/packets.ts';
import type { ProducerContext } from '../model/producer.ts';

const PLACEHOLDER = /\{(\w*)\}/g;
const PROTOCOLS: readonly (FlowProtocol | undefined)[] = [
  'netflow5',
  'netflow9',
  'ipfix',
  'sflow',
  undefined,
];
/** What `{protocol}` is for batches of several protocols. */
const MIXED = 'flow';

/** An option that is a name with placeholders. */
export function nameOption(
  meaning: string,
  known: readonly string[] = ['protocol', 'pipeline', 'shard'],
) {
  return z
    .string()
    .min(1)
    .superRefine((name, context) => {
      for (const [whole, inner = ''] of name.matchAll(PLACEHOLDER)) {
        if (known.includes(inner)) continue;
        context.addIssue(
          `${whole} is no placeholder: there are ${known.map((k) => `{${k}}`).join(', ')}`,
        );
      }
    })
    .meta({ description: meaning });
}

/** A name, with what is known of a producer and of a batch in the places of `{pipeline}`, `{shard}` and `{protocol}`. */
export class Name {
  readonly byProtocol: boolean;
  readonly #pattern: string;
  readonly #known = new Map<FlowProtocol | undefined, string>();

  constructor(pattern: string, { pipeline, shard }: Pick<ProducerContext, 'pipeline' | 'shard'>) {
    this.#pattern = fill(pattern, { pipeline, shard: String(shard) });
    this.byProtocol = pattern.includes('{protocol}');
  }

  /** All that it can be. */
  all(): string[] {
    return [...new Set(PROTOCOLS.map((protocol) => this.for(protocol)))];
  }

  for(protocol: FlowProtocol | undefined): string {
    let name = this.#known.get(protocol);
    if (name === undefined) {
      name = fill(this.#pattern, { protocol: protocol ?? MIXED });
      this.#known.set(protocol, name);
    }
    return name;
  }
}

/** Puts values in the places of their placeholders; others stay. */
export function fill(pattern: string, values: Record<string, string>): string {
  return pattern.replaceAll(PLACEHOLDER, (whole, name: string) => values[name] ?? whole);
}
