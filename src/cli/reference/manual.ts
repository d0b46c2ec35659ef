import { ALL_SETTINGS } from '../../config/all-settings.ts';
import { REQUIRED, type Setting } from '../../config/setting.ts';
import { allCommands, type CommandShape } from './shape.ts';

export interface ManualFacts {
  readonly version: string;
  /** The day of the build, YYYY-MM-DD. */
  readonly date: string;
  /** The help of exit statuses. */
  readonly exitStatus: string;
}

const FILES: readonly (readonly [string, string])[] = [
  ['/etc/floxy.env', 'settings of the service: variables as below'],
  ['/var/lib/floxy/collector.db', 'the rules, an SQLite database'],
  ['/usr/lib/floxy/VERSION', 'an installed version; current is the one that starts'],
  ['/usr/share/doc/floxy', 'documents and examples'],
];

/** The manual page floxy(1), in the language of man(7). */
export function manualPage(program: CommandShape, facts: ManualFacts): string {
  const { version, date, exitStatus } = facts;
  return [
    `.TH FLOXY 1 ${date} "floxy ${text(version)}" "User commands"`,
    section('NAME', ['floxy \\- UDP flow proxy and flow collector']),
    section('SYNOPSIS', ['.B floxy', '[\\fIoptions\\fP] \\fIcommand\\fP [\\fIarguments\\fP]']),
    section('DESCRIPTION', [
      paragraph(
        'floxy hands each datagram of an exporter (NetFlow, IPFIX, sFlow or any other UDP), with the exporter’s own source address and port, to as many collectors as its rules name, and decodes flow for pipelines. The same command is the service and what talks to it.',
      ),
    ]),
    section('OPTIONS', program.options.flatMap(optionLines)),
    section('COMMANDS', allCommands(program).slice(1).flatMap(commandLines)),
    section('EXIT STATUS', exitStatus.trim().split('\n').slice(1).flatMap(statusLines)),
    section('ENVIRONMENT', [
      paragraph('The settings of the service, read at its start.'),
      ...Object.entries(ALL_SETTINGS).flatMap(([title, group]) => [
        `.SS ${text(title)}`,
        ...Object.values(group).flatMap(settingLines),
      ]),
    ]),
    section(
      'FILES',
      FILES.flatMap(([file, meaning]) => tagged(`.I ${text(file)}`, meaning)),
    ),
    section('SEE ALSO', ['.BR systemctl (1),', '.BR journalctl (1)']),
  ].join('\n');
}

function section(title: string, lines: readonly string[]): string {
  return [`.SH ${title}`, ...lines].join('\n').concat('\n').replace(/\n+$/, '');
}

function commandLines({ path, description, arguments: args, options, commands }: CommandShape) {
  if (commands.length > 0) return [];
  const usage = args.map((argument) => `\\fI${text(argument.usage)}\\fP`).join(' ');
  const described = args.filter((argument) => argument.description !== '');
  return [
    `.SS floxy ${text(path.join(' '))}${usage === '' ? '' : ` ${usage}`}`,
    paragraph(description),
    ...described.flatMap((argument) =>
      tagged(`.I ${text(argument.usage)}`, argument.description, argument.choices),
    ),
    ...options.filter(({ names }) => !names.includes('--help')).flatMap(optionLines),
  ];
}

function optionLines({ flags, description, choices }: CommandShape['options'][number]) {
  return tagged(`.B ${text(flags)}`, description, choices);
}

function statusLines(line: string): string[] {
  const [, status, meaning] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
  return status === undefined ? [paragraph(line.trim())] : tagged(`.B ${status}`, meaning ?? '');
}

// biome-ignore lint/suspicious/noExplicitAny: settings of all types.
function settingLines({ variable, meaning, default: fallback }: Setting<any>): string[] {
  const value = typeof fallback === 'string' ? fallback : fallback.text;
  const said = fallback === REQUIRED ? 'required' : `default: ${value}`;
  return tagged(`.B ${text(variable)}`, `${meaning.replaceAll('`', '')} (${said})`);
}

function tagged(tag: string, description: string, choices: readonly string[] = []): string[] {
  const allowed = choices.length === 0 ? '' : ` (one of: ${choices.join(', ')})`;
  return ['.TP', tag, paragraph(`${description}${allowed}`)];
}

/** A line of text that cannot be taken for a request. */
function paragraph(line: string): string {
  const escaped = text(line);
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}

function text(plain: string): string {
  return plain.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('’', '\\(cq');
}
