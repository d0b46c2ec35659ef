import type { GroupResult, Measured, Results } from '../results.ts';

const COLOURS: Readonly<Record<string, string>> = {
  floxy: '#0b6e4f',
  raw: '#6fb98f',
  kernel: '#004445',
  pmacct: '#c8553d',
  nftables: '#6d6875',
  limit: '#588b8b',
  bare: '#9ec1a3',
  dgram: '#d4a373',
};

const WIDTH = 900;
const LABEL_WIDTH = 230;
const VALUE_WIDTH = 90;
const BAR_HEIGHT = 16;
const BAR_GAP = 3;
const GROUP_GAP = 30;
const TOP = 60;

/** Copies per CPU second of all contestants as horizontal bars, by group of scenarios. */
export function svgReport(results: Results): string {
  const groups = results.groups.filter(({ measured }) => measured.length > 0);
  const values = groups.flatMap(({ measured }) => measured.map((m) => m.copiesPerCpuSecond));
  const largest = Math.max(1, ...values);
  const parts: string[] = [];
  let y = TOP;
  for (const group of groups) {
    parts.push(text({ x: 12, y: y + 12, size: 13, weight: 'bold' }, group.title));
    y += 20;
    for (const measured of group.measured) {
      parts.push(bar(group, measured, y, largest));
      y += BAR_HEIGHT + BAR_GAP;
    }
    y += GROUP_GAP - 14;
  }
  const title = 'Copies per CPU second (more is better)';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" font-family="sans-serif">`,
    `<rect width="${WIDTH}" height="${y}" fill="#ffffff"/>`,
    text({ x: 12, y: 26, size: 17, weight: 'bold' }, title),
    text({ x: 12, y: 45, size: 11 }, `${results.machine.cpu}, Linux ${results.machine.kernel}`),
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function bar(group: GroupResult, measured: Measured, y: number, largest: number): string {
  const { contestant, copiesPerCpuSecond, scenario } = measured;
  const space = WIDTH - LABEL_WIDTH - VALUE_WIDTH;
  const width = Math.max(1, (copiesPerCpuSecond / largest) * space);
  const names = new Set(group.measured.map((other) => other.scenario.name));
  const label = names.size > 1 ? `${scenario.name}: ${contestant}` : contestant;
  const fill = COLOURS[contestant] ?? '#888888';
  const middle = y + BAR_HEIGHT - 4;
  return [
    text({ x: LABEL_WIDTH - 8, y: middle, size: 12, anchor: 'end' }, label),
    `<rect x="${LABEL_WIDTH}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}" fill="${fill}"/>`,
    text(
      { x: LABEL_WIDTH + width + 6, y: middle, size: 11 },
      Math.round(copiesPerCpuSecond).toLocaleString('en'),
    ),
  ].join('\n');
}

function text(
  at: { x: number; y: number; size: number; weight?: string; anchor?: string },
  content: string,
): string {
  const weight = at.weight === undefined ? '' : ` font-weight="${at.weight}"`;
  const anchor = at.anchor === undefined ? '' : ` text-anchor="${at.anchor}"`;
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${at.x.toFixed(1)}" y="${at.y}" font-size="${at.size}"${weight}${anchor}>${escaped}</text>`;
}
