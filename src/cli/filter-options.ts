import { type Command, InvalidArgumentError } from 'commander';

/** Which rules, exporters or collectors are wanted. */
export interface FilterOptions {
  readonly exporter?: readonly string[];
  readonly collector?: readonly string[];
  readonly pipeline?: readonly string[];
  readonly limit?: number;
}

export function addFilterOptions(command: Command): Command {
  return command
    .option(
      '--exporter <address...>',
      'only of these exporters: addresses, addresses and ports, or prefixes',
    )
    .option(
      '--collector <address...>',
      'only of these collectors: addresses, addresses and ports, or prefixes',
    )
    .option('--limit <number>', 'print so many at most', parseCount);
}

/** Commands whose rules can name pipelines. */
export function addPipelineFilter(command: Command): Command {
  return command.option('--pipeline <name...>', 'only rules that name one of these pipelines');
}

/** The part of a request that says it: of ListRules, ListStats and WatchTraffic. */
export function filterRequest({ exporter, collector, pipeline, limit }: FilterOptions) {
  const filter = {
    exporters: [...(exporter ?? [])],
    collectors: [...(collector ?? [])],
    pipelines: [...(pipeline ?? [])],
  };
  return { filter, ...(limit !== undefined && { limit }) };
}

/** @throws InvalidArgumentError (of commander) */
export function parseCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1 on.');
}
