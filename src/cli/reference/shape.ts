import type { Argument, Command, Option } from 'commander';

/** What a command takes, for people and shells. */
export interface CommandShape {
  /** Names from the program on, without it: `['rules', 'list']`; none = the program. */
  readonly path: readonly string[];
  readonly description: string;
  readonly arguments: readonly ArgumentShape[];
  readonly options: readonly OptionShape[];
  readonly commands: readonly CommandShape[];
}

export interface ArgumentShape {
  /** As in usage: `<file>`, `[exporter...]`. */
  readonly usage: string;
  readonly description: string;
  readonly choices: readonly string[];
}

export interface OptionShape {
  /** As in help: `-o, --output <format>`. */
  readonly flags: string;
  /** The short and the long name, as far as there are. */
  readonly names: readonly string[];
  readonly description: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
}

/** The shape of a command and all below it; hidden ones left out. */
export function shapeOf(command: Command, path: readonly string[] = []): CommandShape {
  const help = command.createHelp();
  return {
    path,
    description: command.description(),
    arguments: command.registeredArguments.map(argumentShape),
    options: help.visibleOptions(command).map(optionShape),
    commands: help
      .visibleCommands(command)
      .filter((child) => child.name() !== 'help')
      .map((child) => shapeOf(child, [...path, child.name()])),
  };
}

/** The command and all below it, each before what is below it. */
export function allCommands(shape: CommandShape): readonly CommandShape[] {
  return [shape, ...shape.commands.flatMap(allCommands)];
}

function argumentShape(argument: Argument): ArgumentShape {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return {
    usage: argument.required ? `<${name}>` : `[${name}]`,
    description: argument.description,
    choices: argument.argChoices ?? [],
  };
}

function optionShape(option: Option): OptionShape {
  return {
    flags: option.flags,
    names: [option.short, option.long].filter((name) => name !== undefined),
    description: option.description,
    takesValue: option.required || option.optional,
    choices: option.argChoices ?? [],
  };
}
