import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runFloxy } from '../../test/cli/fake-terminal.ts';

/** Names of the commands that a help lists. */
async function listed(...path: string[]): Promise<string[]> {
  const { exitCode, output } = await runFloxy([...path, '--help']);
  assert.equal(exitCode, 0);
  assert.match(output, new RegExp(`^Usage: ${['floxy', ...path].join(' ')} `));
  const [, commands = ''] = output.split('\nCommands:\n');
  return [...commands.matchAll(/^ {2}([a-z-]+) /gm)].map(([, name = '']) => name);
}

test('each command is found when it alone is named, and all are listed when none is', async () => {
  const commands = await listed();
  assert.ok(commands.length > 20, commands.join(' '));
  for (const name of commands.filter((one) => one !== 'help')) {
    for (const below of await listed(name)) {
      if (below !== 'help') await listed(name, below);
    }
  }
  for (const name of ['list', 'replace', 'set', 'edit', 'check', 'diff', 'history', 'rollback']) {
    assert.ok((await listed('rules')).includes(name), name);
  }
});

test('help of a command lists all below it, whatever else is named', async () => {
  const whole = await runFloxy(['rules', '--help']);
  for (const args of [
    ['help', 'rules'],
    ['help', 'rules', 'list'],
  ]) {
    assert.deepEqual(await runFloxy(args), whole, args.join(' '));
  }
});

test('options, and their values, before a command do not hide it', async () => {
  const run = await runFloxy(['--timeout', '5', '--api', '127.0.0.1', 'rules', 'list', '--help']);
  assert.match(run.output, /^Usage: floxy rules list /);
});

test('a mistyped command is answered with the one that may be meant', async () => {
  const mistyped = await runFloxy(['doctr']);
  assert.equal(mistyped.exitCode, 2);
  assert.match(mistyped.errors, /unknown command 'doctr'\n\(Did you mean doctor\?\)/);
  const below = await runFloxy(['rules', 'lits']);
  assert.match(below.errors, /unknown command 'lits'\n\(Did you mean list\?\)/);
});
