import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Settings } from '../../test/lab/service.ts';
import { confine } from '../../test/load/machine.ts';
import { descendantsOf } from '../processes.ts';
import type { Scenario } from '../scenarios.ts';
import { inNamespace, run, Service, waitFor } from '../shell.ts';
import { collectorAddresses, exporterAddress, FLOW_PORT, MAX_COPIES } from '../topology.ts';
import {
  type Contestant,
  collectorFamily,
  exporterFamily,
  type Running,
  type Start,
} from './contestant.ts';
import { prefixRulesText } from './prefix-rules.ts';

const PORTS = 10_000;
const MOST_WEIGHT = 7;
const PROGRAM = path.join(import.meta.dirname, '..', '..', 'bin', 'floxy');

const BY_SOCKETS = { COLLECTOR_FLOXY_ENGINE: 'socket' };

export const floxy: Contestant = {
  name: 'floxy',
  description:
    'this project by sockets (COLLECTOR_FLOXY_ENGINE=socket): one forwarder on the proxy core, control elsewhere; copies leave as frames',
  translates: true,
  start: (options) => startFloxy(options, 1, BY_SOCKETS),
};

export const raw: Contestant = {
  name: 'raw',
  description: 'the same, copies leave through raw sockets (COLLECTOR_FLOXY_SENDER=raw)',
  translates: true,
  start: (options) => startFloxy(options, 1, { ...BY_SOCKETS, COLLECTOR_FLOXY_SENDER: 'raw' }),
};

export const kernel: Contestant = {
  name: 'kernel',
  description:
    'this project in the kernel (COLLECTOR_FLOXY_ENGINE=kernel): the program at tc ingress, and the forwarder that counts for it',
  translates: true,
  debianPackage: { name: 'clang', command: 'clang' },
  start: startKernel,
};

async function startKernel(options: Start): Promise<Running> {
  await using started = new AsyncDisposableStack();
  const service = started.use(await startFloxy(options, 1, { COLLECTOR_FLOXY_ENGINE: 'kernel' }));
  const [program = '', ...args] = inside(options, 'status');
  // Where it cannot work, sockets would do all.
  await waitFor('packets to be handled in the kernel', async () =>
    (await run(program, args)).includes('in the kernel, at'),
  );
  const resources = started.move();
  return {
    forwarders: [],
    processes: service.processes,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** A command of the program, beside control. */
function inside({ path: at, cores }: Start, ...args: string[]): string[] {
  return inNamespace(at.namespace, cores.rest, [PROGRAM, ...args]);
}

/** Starts the service and loads the rules; the forwarders share the proxy's core. */
export async function startFloxy(
  options: Start,
  forwarders: number,
  settings: Settings = {},
): Promise<Running> {
  const { scenario, cores, folder } = options;
  const rules = path.join(folder, 'rules.txtpb');
  await writeFile(rules, rulesText(scenario));
  const service = new Service(inside(options, 'serve'), {
    env: {
      PATH: process.env['PATH'],
      COLLECTOR_FLOXY_ADDRESS: `[::]:${FLOW_PORT}`,
      COLLECTOR_FLOXY_THREAD_COUNT: `${forwarders}`,
      COLLECTOR_DATABASE_PATH: path.join(folder, 'collector.db'),
      COLLECTOR_LOG_LEVEL: 'warn',
      ...settings,
    },
  });
  try {
    await waitFor('floxy to take the rules', async () => {
      service.assertRunning();
      const [program = '', ...args] = inside(options, 'rules', 'replace', rules);
      return await run(program, args).then(
        () => true,
        () => false,
      );
    });
    const pids = descendantsOf(service.pid);
    for (const pid of pids) await confine(pid, [cores.proxy]);
    return {
      forwarders: pids,
      processes: [service.pid, ...pids],
      [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
    };
  } catch (error) {
    await service[Symbol.asyncDispose]();
    throw error;
  }
}

function rulesText(scenario: Scenario): string {
  const { copies, pipelineSample } = scenario;
  const sample = pipelineSample === undefined ? '' : ` sample_one_in: ${pipelineSample}`;
  const hasPipeline = scenario.hasPipeline === true || pipelineSample !== undefined;
  const outputs = Array.from({ length: copies }, (_, i) => outputText(scenario, i))
    .concat(hasPipeline ? [`outputs {pipeline: "bench"${sample}}`] : [])
    .join(' ');
  const family = exporterFamily(scenario);
  const { prefixes, rules: addresses } = scenario;
  if (prefixes !== undefined)
    return `${prefixRulesText({ addresses, prefixes, family, outputs }).join('\n')}\n`;
  const rules = Array.from({ length: scenario.rules }, (_, i) => {
    const host = exporterAddress(family, i);
    return `rules {exporter {endpoint {host: "${host}"}} ${outputs}}`;
  });
  return `${rules.join('\n')}\n`;
}

function outputText(scenario: Scenario, output: number): string {
  const { copies, sharing = 1, templates, balance, isWeighted, filter, way = '' } = scenario;
  // The topology has so many addresses; ports are apart.
  const used = Math.min(MAX_COPIES, copies * sharing);
  const hosts = collectorAddresses(collectorFamily(scenario), used);
  const collectors = Array.from({ length: sharing }, (_, i) => {
    const number = output * sharing + i;
    const port = number < used ? '' : ` port: ${PORTS + number}`;
    const weight = isWeighted ? ` weight: ${1 + (i % MOST_WEIGHT)}` : '';
    const endpoint = `endpoint {host: "${hosts[number % used]}"${port}}`;
    return `collectors {${endpoint}${weight} ${way}}`;
  });
  const options = [
    ...(templates === undefined ? [] : [`templates: ${templates}`]),
    ...(balance === undefined ? [] : [`balance: ${balance}`]),
    ...(filter === undefined ? [] : [`filter {${filter}}`]),
  ];
  return `outputs {${[...collectors, ...options].join(' ')}}`;
}
