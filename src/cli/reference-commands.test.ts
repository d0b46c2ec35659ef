import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runFloxy } from '../../test/cli/fake-terminal.ts';
import { KNOWN_VARIABLES } from '../config/all-settings.ts';

/** What the help of a command lists, which is what completion and manual have to know. */
interface Help {
  readonly place: readonly string[];
  readonly commands: readonly string[];
  /** Long names. */
  readonly options: readonly string[];
}

async function readHelp(place: readonly string[] = []): Promise<readonly Help[]> {
  const { output } = await runFloxy([...place, '--help']);
  const words = (title: string, pattern: RegExp) => {
    const [, section = ''] = output.split(`\n${title}:\n`);
    return [...(section.split('\n\n')[0] ?? '').matchAll(pattern)].map(([, word = '']) => word);
  };
  const options = words('Options', /^ {2}(?:-\w, )?(--[\w-]+)/gm);
  const commands = words('Commands', /^ {2}([a-z][\w-]*)/gm).filter((name) => name !== 'help');
  const below = await Promise.all(commands.map((name) => readHelp([...place, name])));
  return [{ place, commands, options }, ...below.flat()];
}

describe('what floxy says of itself', () => {
  let folder: string;
  let all: readonly Help[];

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'floxy-reference-'));
    all = await readHelp();
    assert.ok(all.length > 20, 'the help has commands');
  });
  after(() => rmSync(folder, { recursive: true }));

  async function print(name: string, ...args: readonly string[]): Promise<string> {
    const file = path.join(folder, name);
    const { output, errors, exitCode } = await runFloxy(args);
    assert.deepEqual([exitCode, errors], [0, '']);
    writeFileSync(file, output);
    return file;
  }

  /** What bash offers for the last word of each line. */
  function complete(file: string, lines: readonly (readonly string[])[]): string[][] {
    const ask = lines.map((words) => {
      const list = words.map((word) => `'${word}'`).join(' ');
      return `COMP_WORDS=(floxy ${list}); COMP_CWORD=${words.length}; _floxy; echo "\${COMPREPLY[@]}"`;
    });
    const input = `source ${file}\n${ask.join('\n')}\n`;
    const { stdout, stderr } = spawnSync('bash', ['--norc'], { input, encoding: 'utf8' });
    assert.equal(stderr, '');
    return stdout
      .slice(0, -1)
      .split('\n')
      .map((line) => line.split(' ').filter(Boolean));
  }

  test('bash completes every command and every option that the help has', async () => {
    const file = await print('floxy.bash', 'completion', 'bash');
    const branches = all.filter(({ commands }) => commands.length > 0);
    const names = complete(
      file,
      branches.map(({ place }) => [...place, '']),
    );
    assert.deepEqual(
      names.map((list) => list.sort()),
      branches.map(({ commands }) => [...commands].sort()),
    );
    const flags = complete(
      file,
      all.map(({ place }) => [...place, '--']),
    );
    for (const [i, { place, options }] of all.entries()) {
      const missing = options.filter((name) => !flags[i]?.includes(name));
      assert.deepEqual(missing, [], place.join(' '));
      assert.ok(flags[i]?.includes('--api'), 'options of all commands may stand behind');
    }
  });

  test('bash knows values, and passes over those of options before', async () => {
    const file = await print('floxy.bash', 'completion', 'bash');
    const [shells, commands, none] = complete(file, [
      ['completion', ''],
      ['--api', 'rules', 'rul'],
      ['--api', ''],
    ]);
    assert.deepEqual(shells, ['bash', 'zsh']);
    assert.deepEqual(commands, ['rules']);
    assert.deepEqual(none, [], 'readline completes names of files');
  });

  test('zsh takes its completion, which has every command', async () => {
    const file = await print('_floxy', 'completion', 'zsh');
    const { stderr, status, error } = spawnSync('zsh', ['-n', file], { encoding: 'utf8' });
    assert.equal(error, undefined);
    assert.deepEqual([status, stderr], [0, '']);
    const { output } = await runFloxy(['completion', 'zsh']);
    for (const { place, commands } of all) {
      assert.ok(output.includes(`(${quoted(place)})`), place.join(' '));
      for (const name of commands) assert.ok(output.includes(`'${name}:`), name);
    }
  });

  test('the manual page has all commands, options and settings, and mandoc has nothing against it', async () => {
    const file = await print('floxy.1', 'manual');
    const lint = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', file], { encoding: 'utf8' });
    assert.equal(lint.error, undefined);
    assert.equal(lint.stdout, '');
    const { stdout } = spawnSync('mandoc', ['-T', 'utf8', '-O', 'width=1000', file], {
      encoding: 'utf8',
    });
    // Bold and underlined letters are struck over.
    const struck = stdout.split('\b');
    const text = struck
      .map((part, i) => (i < struck.length - 1 ? part.slice(0, -1) : part))
      .join('');
    for (const { place, commands, options } of all) {
      if (commands.length === 0)
        assert.ok(text.includes(`floxy ${place.join(' ')}`), place.join(' '));
      for (const name of options) assert.ok(text.includes(name), name);
    }
    for (const name of KNOWN_VARIABLES) assert.ok(text.includes(name), name);
    assert.match(text, /EXIT STATUS[\s\S]*3 +the API could not be reached/);
  });
});

function quoted(place: readonly string[]): string {
  return `'${place.map((name) => ` ${name}`).join('')}'`;
}
