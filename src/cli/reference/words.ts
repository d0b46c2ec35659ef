import { allCommands, type CommandShape, type OptionShape } from './shape.ts';

/** What shells complete at one command. */
export interface CommandWords {
  /** Names before, each with a space in front: empty for the program, ` rules list`. */
  readonly place: string;
  readonly shape: CommandShape;
  /** Its own options and those of the commands above it, which may stand behind it too. */
  readonly options: readonly OptionShape[];
}

export function commandWords(program: CommandShape): readonly CommandWords[] {
  return allCommands(program).map((shape) => ({
    place: shape.path.map((name) => ` ${name}`).join(''),
    shape,
    options: optionsAt(program, shape.path),
  }));
}

function optionsAt(command: CommandShape, path: readonly string[]): readonly OptionShape[] {
  const [name, ...rest] = path;
  const child = command.commands.find(({ path: own }) => own.at(-1) === name);
  const below = name === undefined || child === undefined ? [] : optionsAt(child, rest);
  const known = new Set(below.flatMap(({ names }) => names));
  return [...below, ...command.options.filter(({ names }) => !names.some((n) => known.has(n)))];
}

/** Names of options that a value follows, of all commands. */
export function namesWithValues(program: CommandShape): readonly string[] {
  const options = allCommands(program).flatMap((shape) => shape.options);
  const names = options.filter(({ takesValue }) => takesValue).flatMap((option) => option.names);
  return [...new Set(names)];
}

/** Text as one word of a shell, whatever is in it. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
