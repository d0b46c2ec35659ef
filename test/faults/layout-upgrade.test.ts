/** Upgrades in place between this version and one whose tables have another layout, built here. */
import assert from 'node:assert/strict';
import { cpSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { packageRoot } from '../../src/package-root.ts';
import { makeFolder } from '../lab/lab.ts';
import { requireRoot } from '../lab/require-root.ts';
import { floxy, Service } from '../lab/service.ts';
import { run, waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';
import { endSteadyTraffic, STEADY_RULES, startSteadyTraffic } from '../lab/steady-traffic.ts';

const PACKETS_PER_SECOND = 1500;
const WAIT_MS = 20_000;
const ORPHANS = { COLLECTOR_FLOXY_ORPHAN_SECONDS: '60' };

const COPIED = ['bin', 'dist', 'native', 'proto', 'scripts', 'src'];
const FILES = ['package.json', 'tsconfig.json', 'tsconfig.build.json'];

/** Rows of tables become larger, and all behind them moves. */
const OTHER_LAYOUT: readonly (readonly [RegExp, string])[] = [
  [/#define TABLE_LAYOUT \d+u/, '#define TABLE_LAYOUT 250u'],
  [/(?<=struct table_output \{)/, '\n\tuint32_t other[4];'],
  [/(?<=struct table_collector \{)/, '\n\tuint32_t other[4];'],
];

/** Builds a copy of this tree with another layout. @returns its command */
async function buildOther(folder: string): Promise<string> {
  const options = { recursive: true, preserveTimestamps: true };
  for (const name of [...COPIED, ...FILES]) {
    cpSync(join(packageRoot, name), join(folder, name), options);
  }
  symlinkSync(join(packageRoot, 'node_modules'), join(folder, 'node_modules'));
  const header = join(folder, 'native/include/table.h');
  let text = readFileSync(header, 'utf8');
  for (const [from, to] of OTHER_LAYOUT) {
    assert.match(text, from);
    text = text.replace(from, to);
  }
  writeFileSync(header, text);
  for (const script of ['build:native', 'build:layout', 'build:ts']) {
    // The program in the kernel would not be of such a layout: forwarders do without.
    const options = script === 'build:native' ? ['--', 'CLANG='] : [];
    await run(['npm', '--silent', '--prefix', folder, 'run', script, ...options]);
  }
  return join(folder, 'bin/floxy');
}

describe('an upgrade in place across a changed layout of tables', { skip: requireRoot() }, () => {
  let folder: string;
  let other: string;
  before(async () => {
    folder = makeFolder('other-layout');
    other = await buildOther(folder);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const upgrades: Readonly<Record<string, () => readonly [string, string]>> = {
    'to another version': () => [floxy, other],
    'from another version': () => [other, floxy],
  };
  for (const [direction, commands] of Object.entries(upgrades)) {
    test(`loses no packet and no count ${direction}`, async () => {
      const [from, to] = commands();
      await using stage = await Stage.start({ settings: ORPHANS, command: from });
      await stage.api.replace(STEADY_RULES);
      const { counters_since: since } = await stage.api.status();
      await startSteadyTraffic(stage, PACKETS_PER_SECOND);
      const arrivesMore = (packets: number) => {
        const wanted = stage.capture.arrived().length + packets;
        return waitFor('packets arrive', () => stage.capture.arrived().length > wanted, WAIT_MS);
      };
      await arrivesMore(1000);
      process.kill(stage.service.pid, 'SIGUSR2');
      await stage.service.waitForEnd(WAIT_MS);
      const options = { folder: stage.service.folder, settings: ORPHANS, command: to };
      await using successor = await Service.start(stage.lab, options);
      await arrivesMore(1000);
      // All that was sent is counted, in the rules too, since before the upgrade.
      const { sent } = await endSteadyTraffic(stage);
      assert.equal((await successor.api.status()).counters_since, since);
      const { rules, mismatched } = await successor.api.statistics();
      const inputs = [...rules.map(({ exporter }) => exporter.input), mismatched];
      const counted = inputs.reduce((sum, { packets }) => sum + Number(packets), 0);
      assert.equal(counted, sent);
    });
  }
});
