import type { Command } from 'commander';
import { messageOf } from '../base/errors.ts';
import { type Output, pipelineNames, type RuleSet } from '../model/rules.ts';
import { CliError, EXIT } from './exit.ts';
import { addFormatOption, type FormatOptions } from './format-options.ts';
import { findMethod } from './messages.ts';
import { RulesInput } from './rules-input.ts';
import { SETTINGS } from './rules-listing.ts';
import type { Terminal } from './terminal.ts';

interface CheckOptions extends Pick<FormatOptions, 'format'> {
  readonly pipelines?: string;
}

/** Adds `floxy rules check`. */
export function addCheckCommand(rules: Command, terminal: Terminal): void {
  const check = rules
    .command('check')
    .argument('<file>', 'ProxyRules as protobuf text or JSON; - is standard input')
    .description(
      'check a file of rules without a service: tells all that is wrong with it, with lines and columns. What depends on the host of the service, such as its own addresses, is checked by --dry-run of the commands that change rules',
    )
    .option(
      '--pipelines <file>',
      'a pipelines file (YAML): its pipelines are there, and no others',
    );
  addFormatOption(check).action(async (file: string, options: CheckOptions) => {
    const { input: schema } = findMethod('floxy', SETTINGS, 'ReplaceProxyRules');
    const input = await RulesInput.read(terminal, file, schema, options.format);
    const ruleSet = await input.rules();
    if (options.pipelines !== undefined) {
      const present = await readPipelineNames(terminal, options.pipelines);
      refuseMissing(input, ruleSet, present, options.pipelines);
    }
    const pipelines = pipelineNames(ruleSet).size;
    const counts = `${count(ruleSet.rules.length, 'rule')}, ${count(ruleSet.defaultOutputs.length, 'default output')}`;
    const named = pipelines === 0 ? '' : `, ${count(pipelines, 'pipeline')} named`;
    await terminal.print(`${input.name} is fine: ${counts}${named}\n`);
  });
}

async function readPipelineNames(terminal: Terminal, file: string): Promise<ReadonlySet<string>> {
  // Loaded late: other commands need none of it.
  const { parseDocument } = await import('yaml');
  const text = Buffer.from(await read(terminal, file)).toString('utf8');
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem !== undefined) throw new CliError(EXIT.usage, `${file}: ${problem.message}`);
  const { pipelines = [] } = (document.toJS() ?? {}) as { pipelines?: { name?: unknown }[] };
  if (!Array.isArray(pipelines)) {
    throw new CliError(EXIT.usage, `${file}: its pipelines are no list (floxy pipelines check)`);
  }
  return new Set(pipelines.map((pipeline) => String(pipeline?.name)));
}

async function read(terminal: Terminal, file: string): Promise<Uint8Array> {
  try {
    return await terminal.read(file);
  } catch (error) {
    const message = `${file} cannot be read: ${messageOf(error)}`;
    throw new CliError(EXIT.usage, message, { cause: error });
  }
}

/** @throws InputError that names each place */
function refuseMissing(
  input: RulesInput,
  { rules, defaultOutputs }: RuleSet,
  present: ReadonlySet<string>,
  file: string,
): void {
  const missing = (outputs: readonly Output[], path: string) =>
    outputs.flatMap(({ pipeline }, i) =>
      pipeline === undefined || present.has(pipeline)
        ? []
        : [
            {
              path: `${path}[${i}].pipeline`,
              message: `${file} has no pipeline ${pipeline}`,
              place: input.document.placeOf(`${path}[${i}].pipeline`),
            },
          ],
    );
  input.refuse([
    ...rules.flatMap(({ outputs }, i) => missing(outputs, `rules[${i}].outputs`)),
    ...missing(defaultOutputs, 'default_outputs'),
  ]);
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
