import path from 'node:path';
import { run } from '../shell.ts';
import { COLLECTOR_MAC, FLOW_PORT, INPUT_INTERFACE, OUTPUT_INTERFACE } from '../topology.ts';
import { type Contestant, collectorFamily, type Running, type Start } from './contestant.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');

export const bare: Contestant = {
  name: 'bare',
  description:
    'bench/limit/bare.c: a program at tc ingress that rewrites, clones and redirects; no rules, no counters',
  debianPackage: { name: 'clang', command: 'clang' },
  start: startBare,
};

async function startBare(options: Start): Promise<Running> {
  const { namespace } = options.path;
  const object = path.join(options.folder, 'bare.o');
  const ip = (...args: string[]) => run('ip', ['-n', namespace, ...args]);
  const [link] = JSON.parse(await ip('-json', 'link', 'show', OUTPUT_INTERFACE)) as [
    { ifindex: number },
  ];
  await compile(object, options, link.ifindex);
  const tc = (...args: string[]) => run('tc', ['-n', namespace, ...args]);
  await tc('qdisc', 'add', 'dev', INPUT_INTERFACE, 'clsact');
  const what = ['bpf', 'direct-action', 'object-file', object, 'section', 'tc'];
  await tc('filter', 'add', 'dev', INPUT_INTERFACE, 'ingress', ...what);
  return {
    forwarders: [],
    processes: [],
    [Symbol.asyncDispose]: async () => {
      await tc('qdisc', 'delete', 'dev', INPUT_INTERFACE, 'clsact');
    },
  };
}

async function compile(object: string, { scenario }: Start, link: number): Promise<void> {
  const place = (await run('gcc', ['-print-multiarch'])).trim();
  const mac = COLLECTOR_MAC.split(':').map((octet, i) => `-DMAC${i}=0x${octet}`);
  const values = {
    PORT: FLOW_PORT,
    COPIES: scenario.copies,
    LINK: link,
    FAMILY: collectorFamily(scenario) === 'ipv4' ? 4 : 6,
  };
  const defines = Object.entries(values).map(([name, value]) => `-D${name}=${value}`);
  const native = path.join(ROOT, 'native');
  const includes = [
    `-I${native}/bpf`,
    `-I${native}/include`,
    '-idirafter',
    `/usr/include/${place}`,
  ];
  await run('clang', [
    ...['-target', 'bpf', '-mcpu=v3', '-O2', '-g', '-D__BPF__', ...includes, ...defines, ...mac],
    ...['-c', '-o', object, path.join(ROOT, 'bench', 'limit', 'bare.c')],
  ]);
}
