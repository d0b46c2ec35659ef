/** All commands, and where they are. Loading all of them takes several times as long as most commands do. */
import type { Command } from 'commander';
import type { Terminal } from './terminal.ts';

/** Adds commands to the one above them. @param finish takes the exit status where it is not ok */
type AddCommands = (
  parent: Command,
  terminal: Terminal,
  finish: (exitCode: number) => void,
) => void;

interface Leaf {
  readonly names: readonly string[];
  readonly load: () => Promise<AddCommands>;
}

/** A command with commands below it. */
interface Branch {
  readonly names: readonly [string];
  readonly description: string;
  readonly below: readonly Leaf[];
}

/** What is known of the line that is run. */
interface Line {
  readonly words: ReadonlySet<string>;
  readonly terminal: Terminal;
  readonly finish: (exitCode: number) => void;
}

/** What tells of all commands needs all of them. */
const ALL_NEEDED = ['help', 'completion', 'manual'];

/** Those of `floxy rules`. */
const RULES: readonly Leaf[] = [
  { names: ['list'], load: async () => (await import('./list-commands.ts')).addListCommand },
  {
    names: ['replace', 'update', 'delete'],
    load: async () => (await import('./change-commands.ts')).addChangeCommands,
  },
  {
    names: ['get', 'set'],
    load: async () => (await import('./rules-one.ts')).addOneRuleCommands,
  },
  { names: ['edit'], load: async () => (await import('./rules-edit.ts')).addEditCommand },
  { names: ['check'], load: async () => (await import('./rules-check.ts')).addCheckCommand },
  {
    names: ['pull', 'diff'],
    load: async () => (await import('./peer-commands.ts')).addPeerCommands,
  },
  {
    names: ['history', 'show', 'rollback'],
    load: async () => (await import('./history-commands.ts')).addHistoryCommands,
  },
];

/** In the order of `floxy --help`. */
const COMMANDS: readonly (Leaf | Branch)[] = [
  {
    names: ['serve', 'check-config'],
    load: async () => (await import('./service-commands.ts')).addServiceCommands,
  },
  {
    names: ['collect'],
    load: async () => (await import('./collect-command.ts')).addCollectCommand,
  },
  { names: ['rules'], description: 'show and change the rules', below: RULES },
  { names: ['status'], load: async () => (await import('./status-command.ts')).addStatusCommand },
  {
    names: ['backup', 'restore'],
    load: async () => (await import('./backup-commands.ts')).addBackupCommands,
  },
  { names: ['stats'], load: async () => (await import('./list-commands.ts')).addStatsCommand },
  {
    names: ['build-info', 'health'],
    load: async () => (await import('./query-commands.ts')).addQueryCommands,
  },
  {
    names: ['exporters', 'collectors'],
    load: async () => (await import('./traffic-commands.ts')).addTrafficCommands,
  },
  {
    names: ['explain'],
    load: async () => (await import('./explain-command.ts')).addExplainCommand,
  },
  { names: ['top'], load: async () => (await import('./top-command.ts')).addTopCommand },
  { names: ['events'], load: async () => (await import('./events-command.ts')).addEventsCommand },
  {
    names: ['capture'],
    load: async () => (await import('./capture-command.ts')).addCaptureCommand,
  },
  { names: ['doctor'], load: async () => (await import('./doctor-command.ts')).addDoctorCommand },
  { names: ['drain'], load: async () => (await import('./drain-command.ts')).addDrainCommand },
  {
    names: ['upgrade'],
    load: async () => (await import('./upgrade-command.ts')).addUpgradeCommand,
  },
  {
    names: ['announce'],
    load: async () => (await import('./announce-command.ts')).addAnnounceCommand,
  },
  {
    names: ['pipelines'],
    load: async () => (await import('./pipelines-commands.ts')).addPipelinesCommands,
  },
  { names: ['flows'], load: async () => (await import('./flows-command.ts')).addFlowsCommand },
  {
    names: ['completion', 'manual'],
    load: async () => (await import('./reference-commands.ts')).addReferenceCommands,
  },
  { names: ['tokens'], load: async () => (await import('./tokens-commands.ts')).addTokensCommands },
];

/**
 * Adds the commands that the words of a command line can mean; all of them when none is named.
 *
 * @param args without the program's name
 * @param finish takes the exit status of a command where it is not ok
 */
export async function addCommands(
  program: Command,
  args: readonly string[],
  terminal: Terminal,
  finish: (exitCode: number) => void,
): Promise<void> {
  // It needs none.
  if (args[0] === '--version') return;
  await addFrom(COMMANDS, program, { words: new Set(args), terminal, finish });
}

async function addFrom(
  places: readonly (Leaf | Branch)[],
  parent: Command,
  line: Line,
): Promise<void> {
  for (const place of choose(places, line.words)) {
    if ('load' in place) (await place.load())(parent, line.terminal, line.finish);
    else {
      const branch = parent.command(place.names[0]).description(place.description);
      await addFrom(place.below, branch, line);
    }
  }
}

function choose(places: readonly (Leaf | Branch)[], words: ReadonlySet<string>) {
  const named = places.filter(({ names }) => names.some((name) => words.has(name)));
  const isWhole = named.length === 0 || ALL_NEEDED.some((name) => words.has(name));
  return isWhole ? places : named;
}
