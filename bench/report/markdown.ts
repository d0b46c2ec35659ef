import type { ProcessMemory } from '../processes.ts';
import type { GroupResult, Measured, Results } from '../results.ts';
import { sum } from '../statistics.ts';
import { collectorReport } from './collector.ts';
import { goalsReport, ratioOf } from './goals.ts';
import { table, whole } from './table.ts';

const NAMED_MEMORY_MB = 200;

/** The whole report: every figure, the ratios, and whether the goals are met. */
export function markdownReport(results: Results): string {
  const { machine } = results;
  const parts = [
    '# Benchmark',
    `${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}, Node ${machine.node}; ${results.startedAt}, ${results.seconds} s${results.isQuick ? ', quick: rough figures' : ''}. How it is measured: bench/README.md.`,
    goalsReport(results),
    figures(results),
    atGivenRates(results),
    memory(results),
    contestants(results),
    collectorReport(results.collector),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)}`;
}

function micros(ns: number): string {
  return (ns / 1000).toFixed(ns < 100_000 ? 1 : 0);
}

const FIGURES_HEAD = [
  'scenario',
  'contestant',
  'lossless packets/s',
  'copies/s/core',
  'copies per CPU s',
  'floxy ×',
  'user ns/copy',
  'system ns/copy',
  'p50 µs',
  'p99 µs',
  'p99.9 µs',
  'source kept',
  'memory MB',
  'limited by',
];

function figures(results: Results): string {
  if (results.groups.length === 0) return '';
  const rows = results.groups.flatMap((group) => [
    ...group.measured.map((measured) => figuresRow(group, measured)),
    ...group.skipped.map(({ scenario, contestant, reason }) => [
      scenario.name,
      contestant,
      reason.split('\n')[0] ?? '',
      ...FIGURES_HEAD.slice(3).map(() => ''),
    ]),
  ]);
  return `## Figures\n${table(FIGURES_HEAD, rows)}`;
}

function figuresRow(group: GroupResult, measured: Measured): string[] {
  const { scenario, contestant, latency } = measured;
  const ours = group.measured.find(
    (other) => other.scenario.name === scenario.name && other.contestant === 'floxy',
  );
  const isRival = ours !== undefined && contestant !== 'floxy';
  const hasLatency = latency.samples > 0;
  return [
    scenario.name,
    contestant,
    whole(measured.losslessPacketsPerSecond),
    whole(measured.copiesPerSecond),
    whole(measured.copiesPerCpuSecond),
    isRival ? ratioOf(ours, measured).toFixed(2) : '',
    whole(measured.userNsPerCopy),
    whole(measured.systemNsPerCopy),
    ...[latency.p50Ns, latency.p99Ns, latency.p999Ns].map((ns) => (hasLatency ? micros(ns) : '–')),
    hasLatency ? percent(latency.withExporterSource / latency.samples) : '–',
    megabytes(sum(measured.memory.map(({ pssBytes }) => pssBytes))),
    measured.limit,
  ];
}

function atGivenRates(results: Results): string {
  const rows = results.groups
    .flatMap((group) => group.measured)
    .flatMap(({ scenario, contestant, fixedRate, losslessPacketsPerSecond, ...rest }) => {
      if (fixedRate === undefined) return [];
      const { lostCopies, expectedCopies, packetsPerSecond, coreShare } = fixedRate;
      const lost = lostCopies / expectedCopies;
      const nsPerCopy = (coreShare * 1e9) / (packetsPerSecond * scenario.copies * (1 - lost));
      return [
        [
          scenario.name,
          contestant,
          whole(packetsPerSecond),
          `${whole(lostCopies)} (${(lost * 100).toFixed(2)} %)`,
          percent(coreShare),
          whole(nsPerCopy),
          percent(fixedRate.systemShare),
          whole(losslessPacketsPerSecond),
          whole(rest.copiesPerSecond),
        ],
      ];
    });
  if (rows.length === 0) return '';
  const head = [
    'scenario',
    'contestant',
    'packets/s offered',
    'copies lost',
    'of the core',
    'ns/copy',
    'of that in the kernel',
    'lossless packets/s',
    'copies/s at saturation',
  ];
  return `## At a rate that is given, one core\n${table(head, rows)}`;
}

function memoryRow(name: string, { rssBytes, pssBytes }: ProcessMemory): string[] {
  return [name, megabytes(rssBytes), megabytes(pssBytes)];
}

function memory(results: Results): string {
  const head = ['process', 'RSS MB', 'PSS MB'];
  const parts: string[] = [];
  const two = results.groups
    .flatMap((group) => group.measured)
    .find(({ twoForwardersMemory }) => twoForwardersMemory !== undefined)?.twoForwardersMemory;
  if (two !== undefined) {
    const rss = sum(two.map(({ rssBytes }) => rssBytes));
    const pss = sum(two.map(({ pssBytes }) => pssBytes));
    const rows = two.map((process, i) =>
      memoryRow(i === 0 ? 'control' : `forwarder ${i - 1}`, process),
    );
    rows.push(['all', megabytes(rss), megabytes(pss)]);
    const isMet = pss < NAMED_MEMORY_MB * 1e6;
    parts.push(
      `## Memory, two forwarders, under load\n${table(head, rows)}\n\nGoal: PSS under ${NAMED_MEMORY_MB} MB: ${isMet ? 'met' : 'NOT met'}. RSS counts what processes share once for each.`,
    );
  }
  const rows = results.groups
    .flatMap((group) => group.measured)
    .filter(({ contestant }) => contestant === 'floxy')
    .flatMap(({ scenario, memory: processes }) =>
      processes.map((process, i) =>
        memoryRow(`${scenario.name}: ${i === 0 ? 'control' : 'forwarder'}`, process),
      ),
    );
  if (rows.length > 0) parts.push(`## Memory of floxy by scenario\n${table(head, rows)}`);
  return parts.join('\n\n');
}

function contestants(results: Results): string {
  if (results.groups.length === 0) return '';
  const lines = Object.entries(results.descriptions).map(
    ([name, text]) => `- **${name}**: ${text}`,
  );
  return `## Contestants\n${lines.join('\n')}`;
}
