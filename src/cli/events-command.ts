import { type Message, toJson } from '@bufbuild/protobuf';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { withoutControls } from '../base/text.ts';
import { EVENT_KINDS, EVENT_NAMES, type EventKind } from '../model/events.ts';
import type { EventMessage, EventsPageMessage } from '../protocol/view-messages.ts';
import { readAccess } from './access-options.ts';
import { streamApi } from './api-client.ts';
import { findMethod, makeMessage, printMessage } from './messages.ts';
import { addOutputOption, type OutputFormat, type OutputOptions } from './output.ts';
import type { Shown } from './shown.ts';
import type { Terminal } from './terminal.ts';
import { counted } from './units.ts';

interface EventsOptions extends OutputOptions {
  readonly follow?: boolean;
  readonly kind?: readonly string[];
  readonly after?: string;
}

type Page = Shown<EventsPageMessage>;
type ShownEvent = Shown<EventMessage>;

/** `collector-down` of CollectorDown: as people write it. */
const NAMES = new Map<string, EventKind>(
  EVENT_NAMES.map((kind) => [kind.replaceAll(/\B[A-Z]/g, '-$&').toLowerCase(), kind]),
);

/** Adds `floxy events`. */
export function addEventsCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('events')
    .description(
      'print what has happened: collectors down and up, exporters silent, back and new, losses, states, changes of rules',
    )
    .option('-f, --follow', 'go on with what happens, until Ctrl-C')
    .addOption(new Option('--kind <kind...>', 'only these').choices([...NAMES.keys()]))
    .option('--after <number>', 'only what came after the event with this number', parseNumber);
  addOutputOption(command, 'table').action((options: EventsOptions, self: Command) =>
    printEvents(options, self, terminal),
  );
}

async function printEvents(options: EventsOptions, command: Command, terminal: Terminal) {
  const method = findMethod('floxy', 'collector.proto.View', 'WatchEvents');
  const { follow = false, kind = [], after, output } = options;
  const request = makeMessage(method.input, {
    kinds: kind.map((name) => NAMES.get(name) ?? name),
    follow,
    ...(after !== undefined && { after }),
  });
  const interruption = new AbortController();
  const ignore = terminal.onInterrupt(() => interruption.abort());
  try {
    const access = readAccess(command, terminal.env);
    for await (const message of streamApi(access, method, request, interruption.signal)) {
      const page = toJson(method.output, message) as Page;
      if (page.missed !== undefined) {
        const missed = counted(Number(page.missed), 'event');
        terminal.printError(`… ${missed} before these are not kept any more\n`);
      }
      await terminal.print(printed(page, message, output));
    }
  } finally {
    ignore();
  }

  function printed(page: Page, message: Message, format: OutputFormat): string {
    if (format === 'text') return printMessage(method.output, message, 'text');
    const events = page.events ?? [];
    if (format === 'json') return events.map((event) => `${JSON.stringify(event)}\n`).join('');
    return events.map(eventLine).join('');
  }
}

/** Time, what it is, of whom, why, and what to do: one line each. */
export function eventLine(event: ShownEvent): string {
  const {
    at = '',
    kind,
    subject = '',
    rule,
    cause,
    advice,
    exporters = [],
    collectors = [],
  } = event;
  const time = at.replace('T', ' ').replace(/\.\d+Z$/, 'Z');
  // A service of a later version may tell of others.
  const title = (kind !== undefined && EVENT_KINDS[kind]?.title) || `${kind}`;
  const { description } = event;
  const details = [
    description,
    rule !== undefined && rule !== subject && `rule ${rule}`,
    cause,
    collectors.length > 0 && `to ${collectors.join(', ')}`,
    exporters.length > 0 && `of ${exporters.join(', ')}`,
    advice?.replaceAll('`', ''),
  ].filter((detail) => detail !== undefined && detail !== false);
  const why = details.length === 0 ? '' : ` (${details.join('; ')})`;
  return `${withoutControls(`${time}  ${title}: ${subject}${why}`)}\n`;
}

/** @throws InvalidArgumentError (of commander) */
function parseNumber(text: string): string {
  if (/^\d{1,16}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be the number of an event.');
}
