import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import { EXPECTED_REVISION_HEADER } from '../protocol/headers.ts';
import { readAccess } from './access-options.ts';
import { type ApiAccess, callApi } from './api-client.ts';
import { CliError, EXIT, InputError } from './exit.ts';
import {
  addDryRunOption,
  addMessageOption,
  addOverrideFollowerOption,
  addRevisionOption,
  type FormatOptions,
  requestHeaders,
} from './format-options.ts';
import { findMethod, printMessage } from './messages.ts';
import { tellAnswer } from './rules-change.ts';
import { compareRuleSets, printDifference, type RulesDifference } from './rules-difference.ts';
import { RulesInput } from './rules-input.ts';
import { type ListedRules, listRules, SETTINGS } from './rules-listing.ts';
import type { Terminal } from './terminal.ts';

interface EditOptions
  extends Pick<FormatOptions, 'revision' | 'overrideFollower' | 'dryRun' | 'message'> {
  readonly yes?: boolean;
}

const HEADER = `# All rules and default outputs. Lines that begin with # are comments.
# Save and leave the editor to see what would change; nothing changes before you say so.
`;

/** Adds `floxy rules edit`. */
export function addEditCommand(rules: Command, terminal: Terminal): void {
  const edit = rules
    .command('edit')
    .description(
      'edit all rules in $VISUAL or $EDITOR, look at what would change, and change it; refuses when somebody else changed the rules meanwhile, and keeps your file',
    )
    .option('-y, --yes', 'do not ask before rules are changed');
  addOverrideFollowerOption(addRevisionOption(edit));
  addMessageOption(addDryRunOption(edit)).action(async (options: EditOptions, command: Command) => {
    const access = readAccess(command, terminal.env);
    const present = await listRules(access);
    const text = textOf(present);
    const file = writeFile(text);
    const session = new EditSession(terminal, { access, present, file, options });
    let isDone = false;
    try {
      isDone = await session.run();
    } finally {
      // What nobody has edited is no loss.
      if (isDone || readFileSync(file, 'utf8') === text) {
        rmSync(path.dirname(file), { recursive: true, force: true });
      } else terminal.printError(kept(file));
    }
  });
}

function kept(file: string): string {
  return `what you wrote is in ${file}: \`floxy rules diff ${file}\` shows what it would change\n`;
}

function textOf({ message, revision }: ListedRules): string {
  const { output } = findMethod('floxy', SETTINGS, 'ListProxyRules');
  return `# revision: ${revision ?? 'unknown'}\n${HEADER}${printMessage(output, message, 'text')}`;
}

/** Rules may be nobody else's business. */
function writeFile(text: string): string {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'floxy-rules-')), 'rules.txtpb');
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

interface Edited {
  readonly access: ApiAccess;
  readonly present: ListedRules;
  readonly file: string;
  readonly options: EditOptions;
}

type Choice = 'change' | 'edit' | 'leave';

/** From the first look into the editor to the change. */
class EditSession {
  readonly #terminal: Terminal;
  readonly #edited: Edited;
  readonly #method = findMethod('floxy', SETTINGS, 'ReplaceProxyRules');

  constructor(terminal: Terminal, edited: Edited) {
    this.#terminal = terminal;
    this.#edited = edited;
  }

  /** @returns whether the file is of no use any more. @throws CliError */
  async run(): Promise<boolean> {
    for (;;) {
      await this.#terminal.edit(this.#edited.file);
      const looked = await this.#look();
      if (looked === undefined) continue;
      const { input, difference } = looked;
      const placeOf = (place: string) => input.placeOf(place)?.replace(`${input.name}:`, 'line ');
      await this.#terminal.print(printDifference(difference, placeOf));
      if (difference.entries.length === 0 || this.#edited.options.dryRun) return true;
      const choice = await this.#choose(difference, input);
      if (choice === 'leave') return false;
      if (choice === 'edit') continue;
      await this.#change(input);
      return true;
    }
  }

  /** undefined = it is edited again. @throws CliError when it is wrong and will stay so */
  async #look(): Promise<{ input: RulesInput; difference: RulesDifference } | undefined> {
    const { file, present } = this.#edited;
    try {
      const input = await this.#read(file);
      return { input, difference: compareRuleSets(present.ruleSet, await input.rules()) };
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      for (const line of error.lines) this.#terminal.printError(`${line}\n`);
      const answer = await this.#terminal.ask('edit it again? [Y/n] ');
      if (answer !== undefined && !/^n/i.test(answer)) return undefined;
      throw new CliError(EXIT.usage, 'nothing was changed');
    }
  }

  #read(file: string): Promise<RulesInput> {
    const own = { ...this.#terminal, read: async () => readFileSync(file) };
    return RulesInput.read(own, file, this.#method.input, 'text');
  }

  async #choose({ removed }: RulesDifference, input: RulesInput): Promise<Choice> {
    if (this.#edited.options.yes) return 'change';
    const { rules = [], defaultOutputs = [] } = input.document.message;
    const isEmpty = [rules, defaultOutputs].flat().length === 0;
    const what = isEmpty ? `delete ALL ${removed} rules` : 'change this';
    const answer = await this.#terminal.ask(`${what}? [y/N/e(dit again)] `);
    if (answer === undefined) {
      throw new CliError(
        EXIT.usage,
        'nobody can be asked here: nothing was changed (--yes does not ask)',
      );
    }
    if (/^e/i.test(answer)) return 'edit';
    return /^y(es)?$/i.test(answer.trim()) ? 'change' : 'leave';
  }

  async #change(input: RulesInput): Promise<void> {
    const { access, present, options } = this.#edited;
    const expected =
      present.revision === undefined ? {} : { [EXPECTED_REVISION_HEADER]: present.revision };
    const headers = { ...requestHeaders(options), ...expected };
    try {
      const answer = await callApi(
        access,
        this.#method,
        input.toMessage(this.#method.input),
        headers,
      );
      tellAnswer(this.#terminal, answer, options);
    } catch (error) {
      throw this.#explain(error, input);
    }
  }

  #explain(error: unknown, input: RulesInput): unknown {
    if (!(error instanceof CliError) || !error.message.startsWith('ABORTED')) {
      return input.explain(error);
    }
    const message = `somebody else changed the rules since revision ${this.#edited.present.revision}: nothing was changed`;
    return new CliError(EXIT.failed, message, { cause: error });
  }
}
