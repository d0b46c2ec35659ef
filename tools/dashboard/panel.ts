/** Panels of a Grafana dashboard, in as few words as they need. */

/** One query of a panel, and how its series are called. */
export interface Query {
  readonly expr: string;
  /** Such as `{{forwarder}}`. */
  readonly legend: string;
}

interface Common {
  readonly title: string;
  /** Shown at the corner of the panel. */
  readonly description?: string;
  /** Of Grafana: `pps`, `bytes`, `s`, `short`. */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** Of 24. */
  readonly width: number;
}

/** Values from which on a number has another colour. */
export interface Step {
  readonly from: number | null;
  readonly color: 'green' | 'orange' | 'red' | 'blue' | 'text';
}

export type Graph = Common & { readonly kind: 'graph' };

export type NumberPanel = Common & {
  readonly kind: 'number';
  readonly steps: readonly Step[];
  /** Words for values. */
  readonly words?: Readonly<Record<string, string>>;
};

export type Panel = Graph | NumberPanel | (Common & { readonly kind: 'table' });

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const HEIGHT = { graph: 8, number: 4, table: 8 } as const;
const WHOLE_WIDTH = 24;

/** The variable that the user chooses. */
export const DATASOURCE = { type: 'prometheus', uid: '$datasource' };

/** Rows as Grafana has them: each a panel, with what belongs to it below. */
export function layOut(rows: readonly Row[]): object[] {
  let id = 0;
  let y = 0;
  return rows.flatMap(({ title, panels }) => {
    const row = {
      id: ++id,
      type: 'row',
      title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y: y++, w: WHOLE_WIDTH, h: 1 },
    };
    let x = 0;
    let rowHeight = 0;
    const placed = panels.map((panel) => {
      const height = HEIGHT[panel.kind];
      if (x + panel.width > WHOLE_WIDTH) {
        x = 0;
        y += rowHeight;
        rowHeight = 0;
      }
      const gridPos = { x, y, w: panel.width, h: height };
      x += panel.width;
      rowHeight = Math.max(rowHeight, height);
      return { id: ++id, ...panelObject(panel), gridPos };
    });
    y += rowHeight;
    return [row, ...placed];
  });
}

function panelObject(panel: Panel): object {
  const { title, description, queries } = panel;
  return {
    title,
    ...(description === undefined ? {} : { description }),
    datasource: DATASOURCE,
    targets: queries.map(({ expr, legend }, i) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + i),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
      ...(panel.kind === 'graph' ? {} : { instant: true, range: false }),
      ...(panel.kind === 'table' && { format: 'table' }),
    })),
    ...looks(panel),
  };
}

function looks(panel: Panel): object {
  const { unit } = panel;
  switch (panel.kind) {
    case 'graph':
      return {
        type: 'timeseries',
        fieldConfig: {
          defaults: {
            unit,
            min: 0,
            custom: {
              lineWidth: 1,
              fillOpacity: 10,
              showPoints: 'never',
            },
          },
          overrides: [],
        },
        options: {
          legend: { displayMode: 'table', placement: 'bottom', calcs: ['lastNotNull', 'max'] },
          tooltip: { mode: 'multi', sort: 'desc' },
        },
      };
    case 'number':
      return {
        type: 'stat',
        fieldConfig: {
          defaults: {
            unit,
            mappings: mappingsOf(panel.words ?? {}),
            thresholds: thresholdsOf(panel.steps),
          },
          overrides: [],
        },
        options: {
          colorMode: 'background',
          graphMode: 'none',
          reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
        },
      };
    case 'table':
      return {
        type: 'table',
        fieldConfig: { defaults: { unit }, overrides: [] },
        options: { showHeader: true, sortBy: [{ displayName: 'Value', desc: true }] },
        transformations: [
          { id: 'organize', options: { excludeByName: { Time: true, job: true, __name__: true } } },
        ],
      };
  }
}

function mappingsOf(words: Readonly<Record<string, string>>): object[] {
  const options = Object.entries(words).map(([value, text]) => [value, { text }] as const);
  return options.length === 0 ? [] : [{ type: 'value', options: Object.fromEntries(options) }];
}

function thresholdsOf(steps: readonly Step[]): object {
  return { mode: 'absolute', steps: steps.map(({ from, color }) => ({ value: from, color })) };
}
