/** The queries of dashboard and alerts, asked of a real Prometheus that has scraped a real service with traffic. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { packageRoot } from '../../src/package-root.ts';
import { netflow5 } from '../flow/support/netflow5.ts';
import { toMessage } from '../lab/api.ts';
import { makeFolder } from '../lab/lab.ts';
import { Program } from '../lab/program.ts';
import { requireRoot } from '../lab/require-root.ts';
import { waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';
import { STEADY_RULES, startSteadyTraffic } from '../lab/steady-traffic.ts';
import { ask, get } from './http-questions.ts';
import { metricsIn } from './queries.ts';

const PROMETHEUS = 'http://127.0.0.1:9090';

/** What is empty here, and why. */
const EXPLAINED: Readonly<Record<string, string>> = {
  floxy_follower_connected: 'the node follows no other',
  floxy_follower_lag_revisions: 'the node follows no other',
  floxy_follower_overridden: 'the node follows no other',
};

/** Queries that compare: they are empty while all is well. */
const COMPARES = /[<>]|==/;

interface PanelJson {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
  readonly panels?: readonly PanelJson[];
}

function queriesOfDashboard(): { readonly title: string; readonly expr: string }[] {
  const text = readFileSync(path.join(packageRoot, 'deploy/grafana/floxy.json'), 'utf8');
  const { panels, annotations } = JSON.parse(text) as {
    panels: PanelJson[];
    annotations: { list: { name: string; expr: string }[] };
  };
  const all = panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);
  return [
    ...all.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr }))),
    ...annotations.list.map(({ name, expr }) => ({ title: name, expr })),
  ];
}

function queriesOfAlerts(): { readonly title: string; readonly expr: string }[] {
  const text = readFileSync(path.join(packageRoot, 'deploy/prometheus/alerts.yml'), 'utf8');
  const { groups } = parse(text) as { groups: { rules: { alert: string; expr: string }[] }[] };
  return groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => ({ title: alert, expr })));
}

/** As Grafana does before it asks. */
function filledIn(expr: string): string {
  return expr
    .replaceAll('$__rate_interval', '1m')
    .replaceAll('$__interval', '1m')
    .replaceAll('$__range', '1h')
    .replaceAll('$instance', '.*');
}

describe('dashboard and alerts', { skip: requireRoot() }, () => {
  test('S30: every query has an answer where there is traffic, or it is known why not', async () => {
    const folder = makeFolder('prometheus');
    const pipelines = path.join(folder, 'pipelines.yaml');
    mkdirSync(path.join(folder, 'flows'), { mode: 0o777 });
    writeFileSync(
      pipelines,
      `pipelines:\n  - {name: files, format: {kind: json}, producer: {kind: file, path: ${folder}/flows/a.json}}\n`,
    );
    await using stage = await Stage.start({
      settings: {
        COLLECTOR_PIPELINES_FILE: pipelines,
        // Nobody is there.
        COLLECTOR_INFLUXDB_URL: 'http://127.0.0.1:1',
        COLLECTOR_PUSH_INTERVAL_SECONDS: '1',
      },
    });
    const exporter = { host: '203.0.113.77' };
    const { rules, ...others } = toMessage(STEADY_RULES);
    const nowhere = { endpoint: { host: '192.88.99.1', port: 9 }, health: {} };
    const outputs = [{ collectors: [nowhere] }, { pipeline: 'files' }];
    await stage.api.call('Settings', 'ReplaceProxyRules', {
      ...others,
      rules: [
        ...rules,
        { exporter: { endpoint: exporter }, outputs },
        // Nothing comes of it.
        { exporter: { endpoint: { host: '203.0.113.78' } }, expect_every: '1s' },
      ],
    });
    await startSteadyTraffic(stage, 500);
    await using prometheus = startPrometheus(stage.lab.proxy, folder);
    const ready = () => get(stage.lab.proxy, `${PROMETHEUS}/-/ready`);
    await waitFor(
      () => `Prometheus answers: ${prometheus.log}`,
      async () => (await ready()).status === 200,
    );
    for (let i = 1; i <= 5; i++) {
      const payload = netflow5(1, i);
      await stage.exporters.send([
        { from: { ...exporter, port: 5000 }, to: { host: '198.18.1.1', port: 2055 }, payload },
      ]);
      await new Promise((resolve) => setTimeout(resolve, 1100));
    }
    await assertAnswered(stage.lab.proxy);
    await stage.exporters.stopTraffic('steady');
    await waitFor('all alerts were evaluated', async () => {
      const [{ body } = { body: '{}' }] = await ask(stage.lab.proxy, [
        { url: `${PROMETHEUS}/api/v1/rules` },
      ]);
      const { data } = JSON.parse(body) as {
        data: { groups: { rules: { name: string; health: string; lastError?: string }[] }[] };
      };
      const rules = data.groups.flatMap((group) => group.rules);
      assert.deepEqual(
        rules.filter(({ health }) => health === 'err'),
        [],
      );
      return rules.length > 0 && rules.every(({ health }) => health === 'ok');
    });
  });
});

/** Scrapes each second. */
function startPrometheus(namespace: string, folder: string): Program {
  const file = path.join(folder, 'prometheus.yml');
  const alerts = path.join(packageRoot, 'deploy/prometheus/alerts.yml');
  writeFileSync(
    file,
    `global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [${alerts}]
scrape_configs:
  - job_name: floxy
    static_configs: [{targets: ["127.0.0.1:8081"]}]
`,
  );
  return new Program(namespace, [
    'prometheus',
    `--config.file=${file}`,
    `--storage.tsdb.path=${folder}/tsdb`,
    '--web.listen-address=127.0.0.1:9090',
    '--log.level=warn',
  ]);
}

async function assertAnswered(namespace: string): Promise<void> {
  const dashboard = queriesOfDashboard().filter(
    ({ expr }) => !COMPARES.test(withoutMatchers(expr)),
  );
  // What compares is empty while all is well: its metrics have to be there.
  const metrics = [...queriesOfDashboard(), ...queriesOfAlerts()].flatMap(({ title, expr }) =>
    metricsIn(expr).map((metric) => ({ title, expr: metric })),
  );
  const asked = [...dashboard, ...metrics];
  assert.ok(dashboard.length > 30);
  const unanswered = async () => {
    const questions = asked.map(({ expr }) => {
      return {
        url: `${PROMETHEUS}/api/v1/query?${new URLSearchParams({ query: filledIn(expr) })}`,
      };
    });
    const answers = await ask(namespace, questions);
    return asked.filter(({ title, expr }, i) => {
      const { status, body } = answers[i] ?? { status: 0, body: '' };
      assert.equal(status, 200, `${title}: ${expr}: ${body}`);
      const { data } = JSON.parse(body) as { data: { result: unknown[] } };
      const isExplained = metricsIn(expr).some((metric) => metric in EXPLAINED);
      return data.result.length === 0 && !isExplained;
    });
  };
  let empty: Awaited<ReturnType<typeof unanswered>> = [];
  await waitFor(
    () => `every query has an answer; these have none: ${JSON.stringify(empty, null, 1)}`,
    async () => {
      empty = await unanswered();
      return empty.length === 0;
    },
    60_000,
    1000,
  );
}

function withoutMatchers(expr: string): string {
  return expr.replaceAll(/\{[^}]*\}/g, '');
}
