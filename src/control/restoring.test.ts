/** What becomes of the rules when the saved ones are not there, or do not fit any more. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Borders, makeControl, ZERO } from '../../test/support/borders.ts';
import { exporter, host, outputs, rule, ruleSet } from '../../test/support/rule-sets.ts';
import { EMPTY_RULE_SET } from '../model/rules.ts';
import type { ControlPlane } from './control-plane.ts';

const NO_CHANGE = { kind: 'edit', deleted: [], upserts: [] } as const;
const SAVED = { revision: { number: 71 }, ruleSet: ruleSet([rule('192.0.2.1')]) };
const LOCKED = {
  revision: { number: 0 },
  ruleSet: EMPTY_RULE_SET,
  restoreError: 'the database is locked',
  isPending: true,
};
const LOST = { revision: { number: 3 }, ruleSet: EMPTY_RULE_SET, restoreError: 'broken' };
const REPLACEMENT = { kind: 'replace', ruleSet: ruleSet([rule('192.0.2.9')]) } as const;

/** Control with a database that cannot be looked at yet, its clock in the hands of the test. */
async function waitingControl(t: TestContext, borders: Borders): Promise<ControlPlane> {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  borders.restored = LOCKED;
  const control = makeControl(borders);
  await control.start();
  return control;
}

async function tick(t: TestContext): Promise<void> {
  t.mock.timers.tick(1000);
  await new Promise(setImmediate);
}

describe('a database that cannot be looked at for now', () => {
  it('A10: is tried again until its rules are in force', async (t) => {
    const borders = new Borders();
    const control = await waitingControl(t, borders);
    assert.deepEqual(control.status().proxy, {
      state: 'NotConfigured',
      error: 'the database is locked',
    });
    await tick(t);
    assert.equal(control.restoring(), 'the database is locked');
    assert.deepEqual(borders.events, ['in force 0']);
    borders.restored = SAVED;
    await tick(t);
    assert.deepEqual(control.rules(), { revision: 71, ruleSet: SAVED.ruleSet });
    assert.deepEqual(control.status().proxy, { state: 'OK' });
    assert.equal(control.rulesProblem(), undefined);
    assert.deepEqual(borders.events, ['in force 0', 'in force 1']);
    borders.restored = LOST;
    await tick(t);
    assert.deepEqual(control.status().proxy, { state: 'OK' });
  });

  it('A10: is not known before its rules are in force', async (t) => {
    const borders = new Borders();
    const control = await waitingControl(t, borders);
    const { promise, resolve } = Promise.withResolvers<void>();
    borders.restored = SAVED;
    borders.gate = promise;
    await tick(t);
    assert.equal(control.restoring(), 'the database is locked');
    resolve();
    await new Promise(setImmediate);
    assert.equal(control.restoring(), undefined);
  });

  it('A10: a change looks again first, and is refused while the rules are not known', async (t) => {
    const borders = new Borders();
    const control = await waitingControl(t, borders);
    const edit = { ...NO_CHANGE, upserts: [rule('192.0.2.2')] };
    const isNotReady = { code: 'NOT_READY', message: /not known yet: the database is locked/ };
    await assert.rejects(control.change(edit), isNotReady);
    await assert.rejects(control.change(REPLACEMENT, 71), isNotReady);
    borders.restored = SAVED;
    assert.equal((await control.change(edit, 71)).revision, 72);
    assert.equal(control.rules().ruleSet.rules.length, 2);
  });

  it('A9: a replacement that can be stored all the same gets a number that was never used', async (t) => {
    const borders = new Borders();
    const control = await waitingControl(t, borders);
    const { revision } = await control.change(REPLACEMENT);
    assert.ok(revision > 1_700_000_000, String(revision));
    assert.deepEqual(control.status().proxy, { state: 'OK' });
    borders.restored = SAVED;
    await tick(t);
    assert.deepEqual(control.rules(), { revision, ruleSet: REPLACEMENT.ruleSet });
  });
});

describe('rules that an earlier control put in force', () => {
  for (const restored of [LOCKED, LOST]) {
    it(`go on when the saved ones cannot be restored (${restored.restoreError})`, async () => {
      const borders = new Borders();
      borders.restored = restored;
      borders.hasRulesFromBefore = true;
      const control = makeControl(borders);
      await control.start();
      assert.deepEqual(borders.events, []);
      const { state, error } = control.status().proxy;
      assert.equal(state, 'NotConfigured');
      assert.match(error ?? '', /; packets are forwarded by the rules in force before$/);
      assert.deepEqual((await control.statistics([])).rules, []);
      borders.hasRulesFromBefore = false;
      await control.change(REPLACEMENT);
      assert.deepEqual(control.status().proxy, { state: 'OK' });
      await control.stop();
    });
  }

  it('end when the saved ones are restored', async () => {
    const borders = new Borders();
    borders.restored = SAVED;
    borders.hasRulesFromBefore = true;
    await makeControl(borders).start();
    assert.deepEqual(borders.events, ['in force 1']);
  });
});

describe('V8: rules that do not fit this host any more', () => {
  const BAD = rule('192.0.2.2', ['192.0.2.99'], ['198.51.100.1']);
  const rules = [rule('192.0.2.1', ['198.51.100.1']), BAD, rule('192.0.2.255')];
  const saved = {
    revision: { number: 7 },
    ruleSet: ruleSet(rules, outputs(['192.0.2.99'], ['198.51.100.1'])),
  };

  async function controlWithMisfits() {
    const borders = new Borders();
    borders.restored = saved;
    const control = makeControl(borders, host(['192.0.2.99'], ['192.0.2.255']));
    await control.start();
    return { borders, control };
  }

  it('are set aside and named, and the rest is in force', async () => {
    const { borders, control } = await controlWithMisfits();
    assert.deepEqual(borders.events, ['in force 1']);
    assert.deepEqual(control.rules(), { revision: 7, ruleSet: saved.ruleSet });
    const { state, error } = control.status().proxy;
    assert.equal(state, 'OK');
    assert.match(error ?? '', /the rule of 192\.0\.2\.2 \(outputs\[0\].*packets would circle\)/);
    assert.match(error ?? '', /the rule of 192\.0\.2\.255 \(.*broadcast address\)/);
    assert.match(error ?? '', /a default output \(192\.0\.2\.99 port 2055/);
    assert.equal(control.rulesProblem(), undefined);
  });

  it('count nothing in statistics, where the others keep their places', async () => {
    const { borders, control } = await controlWithMisfits();
    borders.inputs.set('192.0.2.1', { packets: 4n, bytes: 40n });
    const { rules: found, defaultOutputs } = await control.statistics([]);
    assert.deepEqual(
      found.map(({ input }) => input.packets),
      [4n, 0n, 0n],
    );
    assert.deepEqual(found[1]?.outputs[0]?.collectors?.[0]?.output, ZERO);
    assert.equal(defaultOutputs.length, 2);
  });

  it('are in force again when they fit again', async () => {
    const { borders, control } = await controlWithMisfits();
    await control.checkHost();
    assert.deepEqual(borders.events, ['in force 1']);
    borders.host = host([], ['192.0.2.255']);
    await control.checkHost();
    assert.deepEqual(borders.events, ['in force 1', 'in force 2']);
    assert.match(control.status().proxy.error ?? '', /192\.0\.2\.255/);
    borders.host = host();
    await control.change(NO_CHANGE);
    assert.deepEqual(borders.events.slice(2), ['store edit 7', 'in force 3']);
    assert.deepEqual(control.status().proxy, { state: 'OK' });
  });

  it('are set aside when the addresses of the host change, and come back, with their places', async () => {
    const borders = new Borders();
    borders.restored = saved;
    const control = makeControl(borders);
    await control.start();
    assert.deepEqual(control.status().proxy, { state: 'OK' });
    borders.host = host(['192.0.2.99']);
    await control.checkHost();
    await control.checkHost();
    assert.deepEqual(borders.events, ['in force 3', 'in force 2']);
    assert.match(
      control.status().proxy.error ?? '',
      /the rule of 192\.0\.2\.2 .* a default output/,
    );
    assert.deepEqual(control.rules(), { revision: 7, ruleSet: saved.ruleSet });
    borders.host = host();
    await control.checkHost();
    assert.deepEqual(borders.events.slice(2), ['in force 3']);
    assert.deepEqual(control.status().proxy, { state: 'OK' });
  });

  it('are told apart also where more are set aside than are named', async () => {
    const borders = new Borders();
    const collectors = Array.from({ length: 7 }, (_, i) => `192.0.2.${i + 100}`);
    const many = collectors.map((to, i) => rule(`192.0.2.${i + 1}`, [to]));
    borders.restored = { revision: { number: 1 }, ruleSet: ruleSet(many) };
    const control = makeControl(borders, host(collectors.slice(0, 6)));
    await control.start();
    borders.host = host([...collectors.slice(0, 5), ...collectors.slice(6)]);
    await control.checkHost();
    assert.equal(borders.events.length, 2);
  });

  it('can be deleted and given new outputs as all others', async () => {
    const { borders, control } = await controlWithMisfits();
    const change = {
      kind: 'edit',
      deleted: [exporter('192.0.2.255')],
      upserts: [rule('192.0.2.2', ['198.51.100.2'])],
      defaultOutputs: outputs(['198.51.100.1']),
    } as const;
    assert.equal((await control.change(change)).revision, 8);
    assert.deepEqual(borders.events.slice(1), ['store edit 8', 'in force 2']);
    // It is not the change alone that makes the rules in force now of those that were.
    assert.deepEqual(borders.changes, [undefined, undefined]);
    await control.change({ ...NO_CHANGE, upserts: [rule('192.0.2.3')] });
    assert.equal(borders.changes.at(-1), 'edit');
    assert.deepEqual(control.status().proxy, { state: 'OK' });
  });

  it('are refused when they come in a change', async () => {
    const { control } = await controlWithMisfits();
    await assert.rejects(control.change({ kind: 'replace', ruleSet: saved.ruleSet }), {
      code: 'INVALID_INPUT',
      message: /rules\[1\]\.outputs\[0\]/,
    });
  });
});
