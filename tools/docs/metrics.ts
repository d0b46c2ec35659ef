/** The tables of docs/metrics.md: one for each group of metrics. */
import { METRICS_CATALOGUE } from '../../src/web/catalogue.ts';
import { code, table } from './table.ts';

export function metricsTables(): string {
  const groups = Object.entries(METRICS_CATALOGUE).map(([title, metrics]) => {
    const rows = metrics.map(({ name, type, labels, help }) => {
      return [code(name), type, labels.map(code).join(', '), help];
    });
    return `### ${title}\n${table(['metric', 'type', 'labels', 'what it tells'], rows)}`;
  });
  return groups.join('\n\n');
}
