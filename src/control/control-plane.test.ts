import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Borders, makeControl, startedControl } from '../../test/support/borders.ts';
import { endpoint, exporter, host, outputs, rule, ruleSet } from '../../test/support/rule-sets.ts';
import { FloxyError } from '../base/errors.ts';
import { EMPTY_RULE_SET, makeCollector, type Rule, type RuleChange } from '../model/rules.ts';
import type { Counters } from '../model/statistics.ts';
import type { ControlPlane } from './control-plane.ts';

const NO_CHANGE = { kind: 'edit', deleted: [], upserts: [] } as const;

const replaceWith = (...exporters: string[]) =>
  ({ kind: 'replace', ruleSet: ruleSet(exporters.map((e) => rule(e))) }) as const;

describe('ControlPlane.change()', () => {
  it('A8: stores, then puts in force, then answers with the next revision', async () => {
    const borders = new Borders();
    const control = await startedControl(borders);
    assert.equal((await control.change(replaceWith('192.0.2.1'))).revision, 1);
    assert.deepEqual(borders.events, ['store replace 1', 'in force 1']);
    assert.deepEqual(control.rules(), { revision: 1, ruleSet: replaceWith('192.0.2.1').ruleSet });
  });

  it('A8: does not answer before every forwarder works by the new rules', async () => {
    const borders = new Borders();
    const control = await startedControl(borders);
    const { promise, resolve } = Promise.withResolvers<void>();
    borders.gate = promise;
    let isAnswered = false;
    const change = control.change(replaceWith('192.0.2.1')).then(() => {
      isAnswered = true;
    });
    await new Promise(setImmediate);
    assert.equal(isAnswered, false);
    assert.equal(control.rules().revision, 0);
    resolve();
    await change;
    assert.equal(control.rules().revision, 1);
  });

  it('V6: limits are those of the rules that result, not of the request alone', async () => {
    const collectors = Array.from({ length: 64 }, (_, i) => `198.51.100.1:${i + 1}`);
    const { outputs: most } = rule('192.0.2.1', ...Array.from({ length: 32 }, () => collectors));
    const half = (host: string) =>
      Array.from({ length: 1000 }, (_, i) => ({
        exporter: exporter(`${host}:${i + 1}`),
        outputs: most,
      }));
    const borders = new Borders();
    const control = await startedControl(borders);
    await control.change({ kind: 'replace', ruleSet: ruleSet(half('192.0.2.1')) });
    borders.events.length = 0;
    await assert.rejects(control.change({ ...NO_CHANGE, upserts: half('192.0.2.2') }), {
      code: 'LIMIT_EXCEEDED',
      message: /together: 4162000, the limit is 4000000$/,
    });
    assert.deepEqual(borders.events, []);
    await control.change({ ...NO_CHANGE, upserts: half('192.0.2.1') });
  });

  it('A8: applies concurrent changes one after the other', async () => {
    const borders = new Borders();
    const control = await startedControl(borders);
    const revisions = await Promise.all([
      control.change({ ...NO_CHANGE, upserts: [rule('192.0.2.1')] }),
      control.change({ ...NO_CHANGE, upserts: [rule('192.0.2.2')] }),
      control.change({ ...NO_CHANGE, deleted: [exporter('192.0.2.1')] }),
    ]);
    assert.deepEqual(
      revisions.map(({ revision }) => revision),
      [1, 2, 3],
    );
    assert.deepEqual(borders.events, [
      'store edit 1',
      'in force 1',
      'store edit 2',
      'in force 2',
      'store edit 3',
      'in force 1',
    ]);
  });

  it('the data plane is told what change makes the rules of those in force', async () => {
    const borders = new Borders();
    const control = await startedControl(borders);
    await control.change(replaceWith('192.0.2.1'));
    await control.change({ ...NO_CHANGE, upserts: [rule('192.0.2.2')] });
    assert.deepEqual(borders.changes.slice(-2), ['replace', 'edit']);
  });

  it('S5: names, descriptions and expectations are stored, and packets keep their table', async () => {
    const borders = new Borders();
    const control = await startedControl(borders);
    const plain = rule('192.0.2.1', ['198.51.100.1:1', '198.51.100.2:2']);
    await control.change({ kind: 'replace', ruleSet: ruleSet([plain, rule('192.0.2.2')]) });
    const [output] = plain.outputs;
    const [first, ...others] = output?.collectors ?? [];
    assert.ok(first);
    const worded: Rule = {
      ...plain,
      description: 'core router',
      expectEveryMs: 60_000,
      outputs: [
        {
          collectors: [{ ...first, description: 'nfcapd 1' }, ...others],
          name: 'archive',
          description: 'kept for a year',
        },
      ],
    };
    borders.events.length = 0;
    const { difference } = await control.change({ ...NO_CHANGE, upserts: [worded] });
    assert.equal(difference.changed.length, 1);
    assert.deepEqual(borders.events, ['store edit 2'], 'no table was made');
    assert.deepEqual(control.rules().ruleSet.rules[0], worded);
    await control.change({ ...NO_CHANGE, upserts: [{ ...worded, outputs: [] }] });
    assert.deepEqual(borders.events.slice(1), ['store edit 3', 'in force 2']);
    borders.events.length = 0;
    await control.change({ ...NO_CHANGE, defaultOutputs: worded.outputs });
    assert.deepEqual(borders.events, ['store edit 4', 'in force 2']);
    await control.change({ ...NO_CHANGE, defaultOutputs: plain.outputs });
    assert.deepEqual(borders.events.slice(2), ['store edit 5']);
  });

  it('A8: a change that cannot be stored is not put in force', async () => {
    const borders = new Borders();
    const control = await startedControl(borders);
    borders.storeError = new FloxyError('STORE_UNWRITABLE', 'read-only');
    await assert.rejects(control.change(replaceWith('192.0.2.1')), { code: 'STORE_UNWRITABLE' });
    assert.deepEqual(borders.events, ['discard']);
    assert.deepEqual(control.rules(), { revision: 0, ruleSet: EMPTY_RULE_SET });
    borders.storeError = undefined;
    assert.equal((await control.change(replaceWith('192.0.2.1'))).revision, 1);
  });

  it('A8: a change for which the data plane has no room is not stored', async () => {
    const borders = new Borders();
    const control = await startedControl(borders);
    borders.prepareError = new FloxyError('LIMIT_EXCEEDED', 'no room');
    await assert.rejects(control.change(replaceWith('192.0.2.1')), { code: 'LIMIT_EXCEEDED' });
    assert.deepEqual(borders.events, []);
  });

  it('A9: a change that expects another revision fails and changes nothing', async () => {
    const borders = new Borders();
    const control = await startedControl(borders);
    await control.change(replaceWith('192.0.2.1'), 0);
    borders.events.length = 0;
    await assert.rejects(control.change(replaceWith('192.0.2.2'), 0), {
      code: 'REVISION_MISMATCH',
      message: /at revision 1, not 0/,
    });
    assert.deepEqual(borders.events, []);
  });

  it('V6: judges limits by what the change makes of the rules', async () => {
    const collectors = Array.from({ length: 64 }, (_, i) =>
      makeCollector(endpoint(`192.0.2.${i + 1}`)),
    );
    const wide = Array.from({ length: 32 }, () => ({ collectors }));
    const wideRules = (first: number, count: number) =>
      Array.from({ length: count }, (_, i) => ({
        exporter: exporter(`10.0.${(first + i) >> 8}.${(first + i) & 255}`),
        outputs: wide,
      }));
    const control = await startedControl();
    await control.change({ kind: 'replace', ruleSet: ruleSet(wideRules(0, 1900)) });
    await assert.rejects(control.change({ ...NO_CHANGE, upserts: wideRules(1900, 100) }), {
      code: 'LIMIT_EXCEEDED',
      message: /together: 4162000, the limit is 4000000/,
    });
    assert.equal(control.rules().revision, 1);
  });

  it('V4: judges by the addresses of the host at the moment of the change', async () => {
    const control = makeControl(new Borders(), host(['192.0.2.99']));
    await control.start();
    const set = ruleSet([], outputs(['192.0.2.99']));
    await assert.rejects(control.change({ kind: 'replace', ruleSet: set }), {
      code: 'INVALID_INPUT',
    });
  });
});

describe('ControlPlane.change() as a dry run', () => {
  const isDryRun = true;

  it('A40: answers what would change, stores nothing and puts nothing in force', async () => {
    const borders = new Borders();
    const control = await startedControl(borders);
    await control.change(replaceWith('192.0.2.1'));
    borders.events.length = 0;
    const tried = await control.change(replaceWith('192.0.2.2'), 1, { isDryRun });
    assert.equal(tried.revision, 1);
    assert.deepEqual(tried.difference.added, [exporter('192.0.2.2')]);
    assert.deepEqual(tried.difference.removed, [exporter('192.0.2.1')]);
    assert.deepEqual(borders.events, ['discard']);
    assert.deepEqual(control.rules(), { revision: 1, ruleSet: replaceWith('192.0.2.1').ruleSet });
    assert.equal((await control.change(replaceWith('192.0.2.2'), 1)).revision, 2);
  });

  it('A40: is refused for all that a change is refused for', async () => {
    const borders = new Borders();
    const control = makeControl(borders, host(['192.0.2.99']));
    await control.start();
    await control.change(replaceWith('192.0.2.1'));
    const tried = (change: RuleChange, expected?: number) =>
      control.change(change, expected, { isDryRun });
    await assert.rejects(tried(replaceWith('192.0.2.2'), 0), { code: 'REVISION_MISMATCH' });
    const loop = { kind: 'replace', ruleSet: ruleSet([], outputs(['192.0.2.99'])) } as const;
    await assert.rejects(tried(loop), { code: 'INVALID_INPUT' });
    const unknown = { ...NO_CHANGE, deleted: [exporter('192.0.2.9')] };
    await assert.rejects(tried(unknown), { code: 'NOT_FOUND' });
    borders.prepareError = new FloxyError('LIMIT_EXCEEDED', 'no room');
    await assert.rejects(tried(replaceWith('192.0.2.2')), { code: 'LIMIT_EXCEEDED' });
    assert.equal(control.rules().revision, 1);
  });

  it('A40: does not bring back rules that were lost', async () => {
    const borders = new Borders();
    borders.restored = { revision: { number: 3 }, ruleSet: EMPTY_RULE_SET, restoreError: 'broken' };
    const control = await startedControl(borders);
    await control.change(replaceWith('192.0.2.1'), undefined, { isDryRun });
    assert.equal(control.status().proxy.state, 'NotConfigured');
  });
});

describe('ControlPlane.change() by nothing', () => {
  const same = () => replaceWith('192.0.2.1', '192.0.2.2');

  async function controlWithRules() {
    const borders = new Borders();
    const control = await startedControl(borders);
    await control.change(same());
    borders.events.length = 0;
    const seen: number[] = [];
    control.onChange(() => seen.push(control.rules().revision));
    return { borders, control, seen };
  }

  it('A42: answers the present revision, which is on disk (A8), and tells nobody', async () => {
    const { borders, control, seen } = await controlWithRules();
    const changes: RuleChange[] = [
      same(),
      NO_CHANGE,
      { ...NO_CHANGE, upserts: [rule('192.0.2.2')] },
      { ...NO_CHANGE, defaultOutputs: [] },
    ];
    for (const change of changes) assert.equal((await control.change(change)).revision, 1);
    assert.deepEqual(borders.events, Array(4).fill('store edit 1'));
    assert.deepEqual(seen, []);
    borders.storeError = new FloxyError('STORE_UNWRITABLE', 'read-only');
    await assert.rejects(control.change(same()), { code: 'STORE_UNWRITABLE' });
    await assert.rejects(control.change(NO_CHANGE), { code: 'STORE_UNWRITABLE' });
  });

  it('A42: another order is another revision: it is what ListProxyRules answers (A1)', async () => {
    const { control, seen } = await controlWithRules();
    const turned = replaceWith('192.0.2.2', '192.0.2.1');
    assert.equal((await control.change(turned)).revision, 2);
    assert.deepEqual(seen, [2]);
  });

  it('A42: the first rules of a node are a revision, also when they are none', async () => {
    const control = await startedControl();
    assert.equal((await control.change(replaceWith())).revision, 1);
    assert.equal((await control.change(replaceWith())).revision, 1);
  });

  it('A42: still repairs a database that says that something is wrong with it', async () => {
    const { borders, control } = await controlWithRules();
    borders.state = { state: 'Offline', error: 'the file was moved away' };
    assert.equal((await control.change(same())).revision, 2);
    assert.deepEqual(borders.events, ['store replace 2', 'in force 2']);
  });

  it('A42: writes all rules when it turns out that the database has lost them', async () => {
    const { borders, control } = await controlWithRules();
    const { write } = borders;
    borders.write = async (change, revision) => {
      if (change.kind === 'edit') throw new FloxyError('STORE_UNWRITABLE', 'moved away');
      await write.call(borders, change, revision);
    };
    assert.equal((await control.change(same())).revision, 2);
    assert.deepEqual(borders.events, ['store replace 2', 'in force 2']);
  });

  it('A42: remembers what of a leader it is', async () => {
    const { control } = await controlWithRules();
    const follows = { leader: '192.0.2.200:8853', revision: 40, digest: 'd40' };
    assert.equal((await control.change(same(), 1, { follows })).revision, 1);
    assert.deepEqual(control.followed(), { ...follows, appliedAs: 1 });
  });
});

describe('ControlPlane.start()', () => {
  it('A10: changes that come during the restore wait for it', async () => {
    const borders = new Borders();
    borders.restored = { revision: { number: 7 }, ruleSet: ruleSet([rule('192.0.2.1')]) };
    const control = makeControl(borders);
    const start = control.start();
    const change = control.change({ ...NO_CHANGE, upserts: [rule('192.0.2.2')] }, 7);
    assert.equal(control.status().proxy.state, 'Configuring');
    await start;
    assert.equal((await change).revision, 8);
    assert.equal(control.rules().ruleSet.rules.length, 2);
  });

  it('is NotConfigured without the saved rules, takes only a replace, and is OK after it', async () => {
    const borders = new Borders();
    borders.restored = {
      revision: { number: 3 },
      ruleSet: EMPTY_RULE_SET,
      restoreError: 'broken, see FILE',
    };
    const control = await startedControl(borders);
    assert.deepEqual(control.status().proxy, { state: 'NotConfigured', error: 'broken, see FILE' });
    await assert.rejects(control.change({ ...NO_CHANGE, upserts: [rule('192.0.2.1')] }), {
      code: 'NOT_CONFIGURED',
      message: /only ReplaceProxyRules is possible: broken, see FILE/,
    });
    await control.change(replaceWith('192.0.2.1'));
    assert.deepEqual(control.status().proxy, { state: 'OK' });
  });

  it('shows the state of the data plane before that of the rules', async () => {
    const borders = new Borders();
    borders.restored = { revision: { number: 3 }, ruleSet: EMPTY_RULE_SET, restoreError: 'broken' };
    const control = await startedControl(borders);
    borders.state = { state: 'Offline', error: 'address in use' };
    assert.deepEqual(control.status().proxy, borders.state);
  });
});

describe('ControlPlane.stop()', () => {
  it('finishes the change at work and refuses those that wait', async () => {
    const borders = new Borders();
    const control = await startedControl(borders);
    const { promise, resolve } = Promise.withResolvers<void>();
    borders.gate = promise;
    const atWork = control.change(replaceWith('192.0.2.1'));
    const waiting = assert.rejects(control.change(replaceWith('192.0.2.2')), { code: 'NOT_READY' });
    await new Promise(setImmediate);
    const stop = control.stop();
    resolve();
    await Promise.all([stop, waiting]);
    assert.equal((await atWork).revision, 1);
    assert.deepEqual(borders.events, ['store replace 1', 'in force 1', 'close']);
  });
});

describe('ControlPlane.statistics()', () => {
  const counts = (packets: bigint): Counters => ({ packets, bytes: packets * 10n });

  async function controlWithTraffic(): Promise<ControlPlane> {
    const borders = new Borders();
    borders.inputs = new Map([
      ['192.0.2.1', counts(1n)],
      ['192.0.2.2', counts(2n)],
    ]);
    const control = await startedControl(borders);
    const rules = [rule('192.0.2.1'), rule('192.0.2.2')];
    await control.change({ kind: 'replace', ruleSet: ruleSet(rules, outputs(['192.0.2.51'])) });
    return control;
  }

  it('S3, S4: answers all rules, default outputs, and what no rule matched', async () => {
    const statistics = await (await controlWithTraffic()).statistics([]);
    assert.deepEqual(
      statistics.rules.map((r) => r.input.packets),
      [1n, 2n],
    );
    assert.equal(statistics.defaultOutputs.length, 1);
    assert.deepEqual(statistics.mismatched, counts(5n));
  });

  it('S3, S4: for some rules adds the others to mismatched and leaves default outputs out', async () => {
    const statistics = await (await controlWithTraffic()).statistics([exporter('192.0.2.1')]);
    assert.deepEqual(
      statistics.rules.map((r) => r.input.packets),
      [1n],
    );
    assert.deepEqual(statistics.defaultOutputs, []);
    assert.deepEqual(statistics.mismatched, counts(7n));
  });

  it('S3: an exporter that is named twice counts once', async () => {
    const control = await controlWithTraffic();
    const statistics = await control.statistics([exporter('192.0.2.1'), exporter('192.0.2.1')]);
    assert.deepEqual(
      statistics.rules.map((r) => r.input.packets),
      [1n],
    );
    assert.deepEqual(statistics.mismatched, counts(7n));
  });

  it('lets the process do other things, and begins anew when rules change meanwhile', async () => {
    const borders = new Borders();
    const control = await startedControl(borders);
    const many = Array.from({ length: 60_000 }, (_, i) =>
      rule(`10.1.${i >> 8}.${i & 255}`, ['192.0.2.51']),
    );
    await control.change({ kind: 'replace', ruleSet: ruleSet(many) });
    let turns = 0;
    let isDone = false;
    const answer = control.statistics([]).finally(() => {
      isDone = true;
    });
    await new Promise(setImmediate);
    const others = many.slice(0, 9).map(({ exporter: from }) => ({
      exporter: from,
      outputs: outputs(['192.0.2.52']),
    }));
    await control.change({ ...NO_CHANGE, upserts: others });
    assert.ok(!isDone);
    while (!isDone) {
      turns += 1;
      await new Promise(setImmediate);
    }
    const { rules } = await answer;
    assert.ok(turns > 1, `${turns} turns`);
    const hosts = rules.map(
      ({ outputs: [output] }) => output?.collectors?.[0]?.collector.endpoint.host,
    );
    assert.deepEqual(hosts.slice(0, 9), Array(9).fill('192.0.2.52'));
    assert.deepEqual(new Set(hosts.slice(9)), new Set(['192.0.2.51']));
  });

  it('A5: names an exporter without a rule', async () => {
    const control = await controlWithTraffic();
    await assert.rejects(control.statistics([exporter('192.0.2.1:9')]), {
      code: 'NOT_FOUND',
      message: 'no rule for exporter 192.0.2.1:9',
    });
  });
});

describe('ControlPlane.onChange()', () => {
  it('tells when other rules are in force, not before', async () => {
    const borders = new Borders();
    const control = makeControl(borders);
    const seen: number[] = [];
    const end = control.onChange(() => seen.push(control.rules().revision));
    await control.start();
    const { promise, resolve } = Promise.withResolvers<void>();
    borders.gate = promise;
    const change = control.change(replaceWith('192.0.2.1'));
    await new Promise(setImmediate);
    assert.deepEqual(seen, [0]);
    resolve();
    await change;
    assert.deepEqual(seen, [0, 1]);
    end();
    await control.change(replaceWith('192.0.2.2'));
    assert.deepEqual(seen, [0, 1]);
  });
});

describe('ControlPlane.rulesProblem()', () => {
  it('is there until the saved rules are restored, and while they are lost', async () => {
    const borders = new Borders();
    borders.restored = { revision: { number: 3 }, ruleSet: EMPTY_RULE_SET, restoreError: 'broken' };
    const control = makeControl(borders);
    assert.equal(control.rulesProblem(), 'the saved rules are being restored');
    await control.start();
    assert.equal(control.rulesProblem(), 'broken');
    await control.change(replaceWith('192.0.2.1'));
    assert.equal(control.rulesProblem(), undefined);
  });
});

describe('ControlPlane.followed()', () => {
  const follows = { leader: '192.0.2.200:8853', revision: 40, digest: 'd40' };

  it('is what came with the change in force, also after a local change', async () => {
    const control = await startedControl();
    assert.equal(control.followed(), undefined);
    await control.change(replaceWith('192.0.2.1'), 0, { follows });
    assert.deepEqual(control.followed(), { ...follows, appliedAs: 1 });
    await control.change(replaceWith('192.0.2.2'));
    assert.deepEqual(control.followed(), { ...follows, appliedAs: 1 });
  });

  it('does not change when the change fails', async () => {
    const borders = new Borders();
    const control = await startedControl(borders);
    borders.storeError = new FloxyError('STORE_UNWRITABLE', 'read-only');
    await assert.rejects(control.change(replaceWith('192.0.2.1'), 0, { follows }));
    await assert.rejects(control.noteFollowed(follows, 0));
    assert.equal(control.followed(), undefined);
  });

  it('is noted without a change of rules, unless they are at another revision', async () => {
    const borders = new Borders();
    const control = await startedControl(borders);
    await control.noteFollowed(follows, 0);
    assert.deepEqual(borders.events, ['store edit 0']);
    assert.deepEqual(control.followed(), { ...follows, appliedAs: 0 });
    await assert.rejects(control.noteFollowed(follows, 1), { code: 'REVISION_MISMATCH' });
  });
});
