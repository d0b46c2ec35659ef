/** The dashboard for Grafana, deploy/grafana/floxy.json: `npm run docs` writes it. */
import { DATASOURCE, layOut } from './panel.ts';
import { ROWS } from './rows.ts';

/** Of Grafana 10 and later. */
const SCHEMA_VERSION = 39;

export function dashboard(): string {
  const content = {
    uid: 'floxy',
    title: 'Floxy',
    description: 'UDP flow proxy: what comes, where it goes, what is lost. docs/metrics.md',
    tags: ['floxy', 'netflow'],
    schemaVersion: SCHEMA_VERSION,
    editable: true,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    timezone: 'browser',
    templating: {
      list: [
        { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
        {
          name: 'instance',
          label: 'Node',
          type: 'query',
          datasource: DATASOURCE,
          query: 'label_values(floxy_build_info{job=~"floxy.*"}, instance)',
          refresh: 2,
          includeAll: true,
          multi: true,
          current: { text: 'All', value: '$__all' },
        },
      ],
    },
    annotations: {
      list: [
        {
          name: 'Rules changed',
          datasource: DATASOURCE,
          enable: true,
          iconColor: 'blue',
          expr: 'changes(floxy_rules_revision{job=~"floxy.*",instance=~"$instance"}[$__interval]) > 0',
          titleFormat: 'rules changed at {{instance}}',
        },
      ],
    },
    panels: layOut(ROWS),
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}
