import type { Command } from 'commander';
import { addAnnounceCommand } from './announce-command.ts';
import { addBackupCommands } from './backup-commands.ts';
import { addCaptureCommand } from './capture-command.ts';
import { addDoctorCommand } from './doctor-command.ts';
import { addDrainCommand } from './drain-command.ts';
import { addEventsCommand } from './events-command.ts';
import { addFlowsCommand } from './flows-command.ts';
import { addPipelinesCommands } from './pipelines-commands.ts';
import { addHealthCommand, addQueryCommands } from './query-commands.ts';
import { addReferenceCommands } from './reference-commands.ts';
import { addRulesCommands } from './rules-commands.ts';
import { addStatusCommand } from './status-command.ts';
import type { Terminal } from './terminal.ts';
import { addTokensCommands } from './tokens-commands.ts';
import { addTopCommand } from './top-command.ts';
import { addTrafficCommands } from './traffic-commands.ts';
import { addUpgradeCommand } from './upgrade-command.ts';

/** Adds the commands that talk to a running service. @param finish takes the exit status */
export function addClientCommands(
  program: Command,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): void {
  addRulesCommands(program, terminal, finish);
  addStatusCommand(program, terminal, finish);
  addBackupCommands(program, terminal);
  addQueryCommands(program, terminal);
  addTrafficCommands(program, terminal);
  addTopCommand(program, terminal);
  addEventsCommand(program, terminal);
  addHealthCommand(program, terminal, finish);
  addCaptureCommand(program, terminal);
  addDoctorCommand(program, terminal, finish);
  addDrainCommand(program, terminal);
  addUpgradeCommand(program, terminal);
  addAnnounceCommand(program, terminal, finish);
  addPipelinesCommands(program, terminal, finish);
  addFlowsCommand(program, terminal);
  addReferenceCommands(program, terminal);
  addTokensCommands(program, terminal);
}
