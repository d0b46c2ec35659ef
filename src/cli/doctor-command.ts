import { type Command, InvalidArgumentError } from 'commander';
import { withoutControls } from '../base/text.ts';
import { CHECKS, type CheckName, examine } from '../doctor/doctor.ts';
import { counted, type Finding } from '../doctor/finding.ts';
import { readAccess } from './access-options.ts';
import { gatherSubject } from './doctor-subject.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { addOutputOption, type OutputOptions } from './output.ts';
import type { Terminal } from './terminal.ts';

interface DoctorOptions extends OutputOptions<'table' | 'json'> {
  readonly skip?: readonly CheckName[];
}

/** Adds `floxy doctor`. @param finish takes the exit status: failed when something was found */
export function addDoctorCommand(
  program: Command,
  terminal: Terminal,
  finish: (exitCode: ExitCode) => void,
): void {
  const doctor = program
    .command('doctor')
    .description(
      'look at the service and at this host around it, and print what is wrong and what to do; changes nothing. Root sees more. Exits with 1 when there is a WARN or a FAIL',
    )
    .argument(
      '[file]',
      'look at the collectors of these rules (protobuf text or JSON) instead of those in force',
    )
    .option('--skip <checks...>', `leave these out: ${CHECKS.join(', ')}`, collectCheck);
  addOutputOption(doctor, 'table', ['table', 'json']).action(
    async (file: string | undefined, options: DoctorOptions, command: Command) => {
      const access = readAccess(command, terminal.env);
      const subject = await gatherSubject({ access, file, terminal });
      const findings = await examine(subject, options.skip);
      await terminal.print(options.output === 'json' ? printJson(findings) : printLines(findings));
      finish(findings.some(({ level }) => isProblem(level)) ? EXIT.failed : EXIT.ok);
    },
  );
}

function isProblem(level: Finding['level']): boolean {
  return level === 'WARN' || level === 'FAIL';
}

function collectCheck(text: string, before: readonly CheckName[] = []): readonly CheckName[] {
  const name = CHECKS.find((check) => check === text);
  if (name !== undefined) return [...before, name];
  throw new InvalidArgumentError(`It must be one of ${CHECKS.join(', ')}.`);
}

function printJson(findings: readonly Finding[]): string {
  return `${JSON.stringify(findings, undefined, 2)}\n`;
}

/** `WARN  api: what  → what to do`; what others have written cannot steer the terminal. */
function printLines(findings: readonly Finding[]): string {
  const lines = findings.map(({ level, check, what, advice }) => {
    const end = advice === undefined ? '' : `  → ${advice}`;
    return withoutControls(`${level.padEnd(4)}  ${check}: ${what}${end}`);
  });
  return `${[...lines, summary(findings)].join('\n')}\n`;
}

function summary(findings: readonly Finding[]): string {
  const count = (level: Finding['level']) =>
    findings.filter((found) => found.level === level).length;
  const [failed, warned, skipped] = [count('FAIL'), count('WARN'), count('SKIP')];
  const unseen = skipped === 0 ? '' : `; ${counted(skipped, 'check')} could not be made`;
  if (failed + warned === 0) return `nothing wrong was found${unseen}`;
  return `${counted(failed + warned, 'finding')}: ${failed} FAIL, ${warned} WARN${unseen}`;
}
