/** Exit statuses of the command line; also in `floxy --help`. */
export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3, interrupted: 130 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A command ends with this message on standard error and this exit status. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** Something is wrong with the input: a line for each thing, such as `rules.txtpb:14:5: …`. */
export class InputError extends CliError {
  readonly lines: readonly string[];

  constructor(lines: readonly string[]) {
    super(EXIT.usage, lines.join('; '));
    this.lines = lines;
  }
}
