/**
 * The text format of Prometheus, version 0.0.4, and OpenMetrics 1.0, which Prometheus asks for when it can have it.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
import type { Labels, MetricFamily } from './metric.ts';

export type Exposition = 'prometheus' | 'openmetrics';

export const EXPOSITION_TYPES: Readonly<Record<Exposition, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** Pieces of a page are about so long, in characters. */
const PIECE = 16_384;

const TOTAL = '_total';

/** The format that a client likes best of these two; that of Prometheus for all who do not say so. @param accept header */
export function negotiate(accept: string): Exposition {
  let openmetrics = 0;
  let prometheus = 0;
  for (const range of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    const quality = qualityOf(parameters);
    const version = parameters.find((parameter) => parameter.startsWith('version='));
    if (type === 'application/openmetrics-text') {
      // Of later versions nothing is known.
      if (version === undefined || /^version="?[01]\.0\.[01]"?$/.test(version)) {
        openmetrics = Math.max(openmetrics, quality);
      }
    } else if (/^(text\/plain|text\/\*|\*\/\*)$/.test(type)) {
      prometheus = Math.max(prometheus, quality);
    }
  }
  return openmetrics > 0 && openmetrics >= prometheus ? 'openmetrics' : 'prometheus';
}

function qualityOf(parameters: readonly string[]): number {
  const text = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  const quality = text === undefined ? 1 : Number(text);
  return quality >= 0 && quality <= 1 ? quality : 0;
}

/** The page, piece by piece; samples are read as pieces are made. Families without samples are left out. */
export function* formatMetrics(
  families: Iterable<MetricFamily>,
  exposition: Exposition = 'prometheus',
): Generator<string> {
  let piece = '';
  for (const family of families) {
    let head = formatHead(family, exposition);
    for (const { labels, value } of family.samples) {
      piece += `${head}${family.name}${formatLabels(labels)} ${formatValue(value)}\n`;
      head = '';
      if (piece.length < PIECE) continue;
      yield piece;
      piece = '';
    }
  }
  yield exposition === 'openmetrics' ? `${piece}# EOF\n` : piece;
}

/** OpenMetrics names a counter without its ending, and knows none that has not got it: those of vFlow. */
function formatHead({ name, help, type }: MetricFamily, exposition: Exposition): string {
  if (exposition === 'prometheus') {
    return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
  }
  const isCounter = type === 'counter' && name.endsWith(TOTAL);
  const family = isCounter ? name.slice(0, -TOTAL.length) : name;
  const shown = type === 'counter' && !isCounter ? 'unknown' : type;
  return `# HELP ${family} ${escapeLabel(help)}\n# TYPE ${family} ${shown}\n`;
}

function formatLabels(labels: Labels | undefined): string {
  if (labels === undefined) return '';
  let text = '';
  for (const key in labels)
    text += `${text === '' ? '{' : ','}${key}="${escapeLabel(labels[key] ?? '')}"`;
  return text === '' ? '' : `${text}}`;
}

function formatValue(value: number | bigint): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeLabel(text: string): string {
  return /["\\\n]/.test(text) ? escapeHelp(text).replaceAll('"', '\\"') : text;
}
