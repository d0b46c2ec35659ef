import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { recordingLog } from '../../test/api/harness.ts';
import { waitFor } from '../../test/lab/shell.ts';
import { Borders, makeControl } from '../../test/support/borders.ts';
import { host, outputs, rule, ruleSet } from '../../test/support/rule-sets.ts';
import { FloxyError } from '../base/errors.ts';
import type { ControlPlane } from '../control/control-plane.ts';
import type { RuleSet } from '../model/rules.ts';
import { FileOwnedControl } from './file-owned-control.ts';
import { FileRules } from './file-rules.ts';

const ONE = 'rules {exporter {endpoint {host: "192.0.2.1"}}}\n';
const TWO = `${ONE}rules {exporter {endpoint {host: "192.0.2.2"}} outputs {collectors {endpoint {host: "198.51.100.1"}}}}\n`;

/** A control plane whose rules are those of a file. */
class Subject implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'floxy-file-rules-'));
  readonly file: string;
  readonly borders = new Borders();
  readonly logged: Record<string, unknown>[] = [];
  readonly control: ControlPlane;
  readonly source: FileRules;
  readonly served: FileOwnedControl;

  constructor(name: string, addresses: readonly string[]) {
    this.file = join(this.folder, name);
    this.control = makeControl(this.borders, host(addresses));
    const { control, file } = this;
    this.source = new FileRules({ control, file, log: recordingLog(this.logged) });
    this.served = new FileOwnedControl(control, this.source);
  }

  /** @param text of the file; undefined = there is none */
  static async start(
    text: string | undefined,
    {
      name = 'rules.txtpb',
      saved,
      addresses = [],
    }: { name?: string; saved?: RuleSet; addresses?: string[] } = {},
  ): Promise<Subject> {
    const subject = new Subject(name, addresses);
    if (saved !== undefined) subject.borders.restored = { revision: { number: 7 }, ruleSet: saved };
    if (text !== undefined) writeFileSync(subject.file, text);
    await subject.control.start();
    await subject.source.start();
    return subject;
  }

  /** Writes the file, and has it read. */
  async write(text: string): Promise<void> {
    writeFileSync(this.file, text);
    await this.source.reload();
  }

  get rules(): number {
    return this.control.rules().ruleSet.rules.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.source.stop();
    await this.control.stop();
    rmSync(this.folder, { recursive: true });
  }
}

describe('rules of a file', () => {
  it('A44: are in force after the start, and again when they have changed', async () => {
    await using subject = await Subject.start(ONE);
    assert.equal(subject.rules, 1);
    assert.equal(subject.source.problem, undefined);
    writeFileSync(subject.file, TWO);
    await waitFor('the change is noticed', () => subject.rules === 2);
    const { call, file, added, exporters, revision, msg } = subject.logged.at(-1) ?? {};
    assert.deepEqual(
      { call, file, added, exporters, revision, msg },
      {
        call: 'RulesFile',
        file: subject.file,
        added: 1,
        exporters: '+192.0.2.2',
        revision: 2,
        msg: 'rules changed',
      },
    );
    // One of two rules is an edit: the other keeps its counters and its place.
    assert.equal(subject.borders.changes.at(-1), 'edit');
  });

  it('A44: are read as JSON when the name says so', async () => {
    const text = '{"rules": [{"exporter": {"endpoint": {"host": "192.0.2.1"}}}]}';
    await using subject = await Subject.start(text, { name: 'rules.json' });
    assert.equal(subject.rules, 1);
  });

  it('A44: are refused from the API, by the name of the file', async () => {
    await using subject = await Subject.start(ONE);
    await assert.rejects(subject.served.change(), {
      code: 'FILE_OWNED',
      message: new RegExp(
        `are those of ${subject.file} \\(COLLECTOR_FLOXY_RULES_FILE\\): change them there`,
      ),
    });
  });

  const WRONG: readonly [string, string, RegExp][] = [
    [
      'has an error',
      `${ONE}rules {exporter {endpoint {host: "router"}}}`,
      /rules\.txtpb:2:34: rules\[1\]\.exporter\.endpoint\.host: "router"/,
    ],
    ['ends too early', 'rules {exporter {', /rules\.txtpb:1:17: this Exporter does not end/],
    ['is empty', '', /has neither rules nor default outputs: a file that means it says so/],
    [
      'has a collector that is this host',
      'default_outputs {\n collectors {endpoint {host: "192.0.2.99"}}}',
      /rules\.txtpb:2:14: default_outputs\[0\]\.collectors\[0\]\.endpoint: 192\.0\.2\.99 port 2055 is the proxy itself/,
    ],
    [
      'names one exporter twice',
      ONE + ONE,
      /rules\.txtpb:2:18: .* has a rule already, rules\[0\] \(line 1\)/,
    ],
  ];
  for (const [what, text, problem] of WRONG) {
    it(`A44: stay as they are when the file ${what}, which log and status tell`, async () => {
      await using subject = await Subject.start(TWO, { addresses: ['192.0.2.99'] });
      await subject.write(text);
      assert.equal(subject.rules, 2);
      assert.match(subject.source.problem ?? '', problem);
      assert.match(subject.source.problem ?? '', /; the rules of revision 1 stay in force$/);
      const { state, error } = subject.served.status().proxy;
      assert.deepEqual([state, error], ['OK', subject.source.problem]);
      assert.equal(subject.logged.at(-1)?.['level'], 50);
      assert.match(String(subject.logged.at(-1)?.['error']), problem);
    });
  }

  it('A44: none at all are taken when the file says so', async () => {
    await using subject = await Subject.start(TWO);
    await subject.write('# nothing any more\nrules: []\n');
    assert.equal(subject.source.problem, undefined);
    assert.equal(subject.rules, 0);
  });

  it('A44: the last good ones go on when the file is not there at the start, and it is looked for', async () => {
    const saved = ruleSet([rule('192.0.2.9')], outputs(['198.51.100.9']));
    await using subject = await Subject.start(undefined, { saved });
    assert.deepEqual(subject.control.rules(), { revision: 7, ruleSet: saved });
    assert.match(
      subject.source.problem ?? '',
      /cannot be read: ENOENT.*the rules of revision 7 stay/,
    );
    assert.equal(subject.served.status().proxy.state, 'OK');
    writeFileSync(subject.file, ONE);
    await waitFor('the file is found', () => subject.source.problem === undefined);
    assert.equal(subject.rules, 1);
  });

  it('A44: a node that never had any says that it is not configured, and has none to give', async () => {
    await using subject = await Subject.start('rules {');
    const { state, error } = subject.served.status().proxy;
    assert.equal(state, 'NotConfigured');
    assert.match(error ?? '', /does not end/);
    assert.match(subject.served.rulesProblem() ?? '', /does not end/);
    await subject.write(ONE);
    assert.deepEqual(subject.served.status().proxy, { state: 'OK' });
    assert.equal(subject.served.rulesProblem(), undefined);
  });

  it('A44: a file that was in force before the restart makes no revision, also when the host would refuse it by now', async () => {
    const saved = ruleSet([], outputs(['192.0.2.99']));
    const text = 'default_outputs {collectors {endpoint {host: "192.0.2.99"}}}';
    await using subject = await Subject.start(text, { saved, addresses: ['192.0.2.99'] });
    assert.equal(subject.control.rules().revision, 7);
    assert.equal(subject.source.problem, undefined);
    assert.match(subject.served.status().proxy.error ?? '', /are not in force: a default output/);
  });

  it('A44: what cannot be stored is tried again, and told once', async () => {
    await using subject = await Subject.start(ONE);
    subject.borders.storeError = new FloxyError('STORE_UNWRITABLE', 'the disk is full');
    writeFileSync(subject.file, TWO);
    await waitFor('it is tried', () => subject.source.problem !== undefined);
    assert.match(subject.source.problem ?? '', /^the disk is full; the rules of revision 1 stay/);
    const told = () => subject.logged.filter(({ level }) => level === 50).length;
    await subject.source.reload();
    subject.borders.storeError = undefined;
    await waitFor('it is stored', () => subject.source.problem === undefined);
    assert.equal(subject.rules, 2);
    assert.equal(told(), 1);
  });

  it('A44: what is no file any more is told', async () => {
    await using subject = await Subject.start(ONE);
    rmSync(subject.file);
    mkdirSync(subject.file);
    await subject.source.reload();
    assert.match(subject.source.problem ?? '', /cannot be read: it is no regular file/);
    assert.equal(subject.rules, 1);
  });

  it('A44: repair rules that were lost', async () => {
    const subject = new Subject('rules.txtpb', []);
    subject.borders.restored = {
      revision: { number: 3 },
      ruleSet: ruleSet([]),
      restoreError: 'broken',
    };
    await using _all = subject;
    writeFileSync(subject.file, ONE);
    await subject.control.start();
    await subject.source.start();
    assert.equal(subject.rules, 1);
    assert.deepEqual(subject.served.status().proxy, { state: 'OK' });
  });
});
