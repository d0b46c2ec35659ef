/** `floxy rules history`, `show` and `rollback` against a real node. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { follow, Node } from '../follower/node.ts';
import { host, outputs, rule, ruleEdit, ruleSet } from '../support/rule-sets.ts';
import { runFloxy } from './fake-terminal.ts';

const A = rule('192.0.2.1', ['198.51.100.1:9995']);
const B = rule('192.0.2.2:1000', ['198.51.100.1']);
const FIRST = ruleSet([A, B], outputs(['198.51.100.9']));
const ALICE = {
  author: 'alice',
  from: '192.0.2.77:4000',
  call: 'ReplaceProxyRules',
  message: 'CHG1',
};
const BOB = { author: 'bob', from: '192.0.2.78:4000', call: 'UpdateProxyRules' };

/** Three revisions: two rules, one of them changed, the other removed with the default outputs. */
async function node(): Promise<Node> {
  const started = await Node.start({ hostAddresses: () => host(['203.0.113.1']) });
  const { control } = started;
  await control.change({ kind: 'replace', ruleSet: FIRST }, 0, ALICE);
  await control.change(ruleEdit([], [rule('192.0.2.1', ['198.51.100.7'])]), 1, BOB);
  await control.change(ruleEdit(['192.0.2.2:1000'], [], []), 2, BOB);
  return started;
}

const rules = ({ address }: { readonly address: string }, ...args: string[]) =>
  runFloxy(['--api', address, 'rules', ...args]);

/** Without the times. */
const timeless = (text: string) => text.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'TIME');

test('A30: history lists who changed what, the newest first', async () => {
  await using here = await node();
  const run = await rules(here, 'history');
  assert.deepEqual(
    { ...run, output: timeless(run.output) },
    {
      exitCode: 0,
      errors: '',
      output: `REV  TIME (UTC)           WHO    CALL     +  -  ~  ALSO             MESSAGE
  3  TIME  bob    Update   0  1  0  default outputs
  2  TIME  bob    Update   0  0  1
  1  TIME  alice  Replace  2  0  0  default outputs  CHG1
`,
    },
  );
  const two = await rules(here, 'history', '--limit', '2');
  assert.equal(two.output.split('\n').length, 4);
  const json = await rules(here, 'history', '-o', 'json', '--limit', '1');
  const [newest] = JSON.parse(json.output).revisions;
  assert.deepEqual([newest.number, newest.author, newest.change.removed], ['3', 'bob', '1']);
});

test('A30: history of one exporter tells who changed its rule', async () => {
  await using here = await node();
  const numbers = async (exporter: string) => {
    const { output } = await rules(here, 'history', '--exporter', exporter, '-o', 'json');
    const { revisions = [] } = JSON.parse(output) as { revisions?: { number: string }[] };
    return revisions.map(({ number }) => number);
  };
  assert.deepEqual(await numbers('192.0.2.1'), ['2', '1']);
  assert.deepEqual(await numbers('192.0.2.2'), ['3', '1']);
  assert.deepEqual(await numbers('192.0.2.2:1001'), []);
  assert.equal((await rules(here, 'history', '--exporter', 'x')).exitCode, 2);
});

test('A30: show prints the rules as of a revision, as replace takes them, or what it changed', async () => {
  await using here = await node();
  const { output, exitCode } = await rules(here, 'show', '1');
  assert.equal(exitCode, 0);
  assert.match(
    output,
    /^# revision: 1\n# time: .* UTC\n# who: alice from 192\.0\.2\.77:4000, by Rep.*\n# message: CHG1\n/,
  );
  const files = { f: output };
  const replaced = await runFloxy(['--api', here.address, 'rules', 'replace', 'f'], { files });
  assert.deepEqual(replaced, { exitCode: 0, output: '', errors: '' });
  assert.deepEqual(here.control.rules(), { revision: 4, ruleSet: FIRST });
  const diff = await rules(here, 'show', '2', '--diff');
  assert.match(
    diff.output,
    /\n~ 192\.0\.2\.1 {2}- 198\.51\.100\.1:9995 {2}\+ 198\.51\.100\.7\n0 added, 0 removed, 1 changed\n$/,
  );
  const json = await rules(here, 'show', '3', '-o', 'json');
  assert.deepEqual(JSON.parse(json.output).rules.length, 1);
});

test('A32: rollback makes the rules those of then, as a new revision, and tells what changes', async () => {
  await using here = await node();
  const tried = await rules(here, 'rollback', '1', '--dry-run');
  const difference = `+ 192.0.2.2:1000   198.51.100.1
+ default outputs  198.51.100.9
~ 192.0.2.1        - 198.51.100.7  + 198.51.100.1:9995
`;
  const lines = (text: string) =>
    text
      .split('\n')
      .filter((line) => /^[+~-] /.test(line))
      .sort();
  assert.deepEqual(lines(tried.output), lines(difference));
  assert.match(tried.output, /dry run, nothing was changed: revision 3 stays\n$/);
  assert.equal(here.control.rules().revision, 3);
  const done = await rules(here, 'rollback', '1', '-m', 'CHG2: back');
  assert.deepEqual(lines(done.output), lines(difference));
  assert.match(done.output, /the rules are those of revision 1 again, as revision 4\n$/);
  assert.deepEqual(here.control.rules(), { revision: 4, ruleSet: FIRST });
  const { output } = await rules(here, 'history', '--limit', '1');
  assert.match(output, /Rollback .*CHG2: back/);
  const again = await rules(here, 'rollback', '1');
  assert.match(
    again.output,
    /no difference\nthe rules are those of revision 1 already: revision 4 stays\n$/,
  );
  const forth = await rules(here, 'rollback', '3');
  assert.match(forth.output, /again, as revision 5\n$/);
});

test('A32: a rollback is refused as other changes are, and changes nothing then', async () => {
  await using here = await node();
  const late = await rules(here, 'rollback', '1', '--expected-revision', '2');
  assert.deepEqual(
    [late.exitCode, late.errors],
    [1, 'floxy: ABORTED: the rules are at revision 3, not 2: list them and try again\n'],
  );
  const unknown = await rules(here, 'rollback', '9');
  assert.match(unknown.errors, /NOT_FOUND: there is no revision 9: the newest is 3/);
  assert.equal((await rules(here, 'rollback', 'x')).exitCode, 2);
  assert.equal(here.control.rules().revision, 3);
});

test('A32: a rollback to rules that do not fit the host any more names what is wrong', async () => {
  const addresses = ['203.0.113.1'];
  await using here = await Node.start({ hostAddresses: () => host(addresses) });
  await here.control.change({ kind: 'replace', ruleSet: FIRST });
  await here.control.change(ruleEdit(['192.0.2.2:1000']));
  addresses.push('198.51.100.1');
  const { exitCode, errors } = await rules(here, 'rollback', '1');
  assert.equal(exitCode, 2);
  assert.match(errors, /rules\[1\].*198\.51\.100\.1 port 2055 is the proxy itself/);
  assert.equal(here.control.rules().revision, 2);
});

test('A30, A32: a follower keeps what it took over, and is not rolled back unless that is meant', async () => {
  await using leader = await node();
  await using here = await Node.start({ follow: follow(leader) });
  await here.hasRulesOf(leader);
  await leader.control.change(ruleEdit([], [B]), undefined, ALICE);
  await here.hasRulesOf(leader);
  const { output } = await rules(here, 'history', '-o', 'json');
  const [newest] = JSON.parse(output).revisions;
  assert.deepEqual([newest.call, newest.author], ['Follow', leader.address]);
  const refused = await rules(here, 'rollback', '1');
  assert.match(refused.errors, /FAILED_PRECONDITION: this node follows .*--override-follower/);
  const meant = await rules(here, 'rollback', '1', '--override-follower');
  assert.match(meant.output, /again, as revision 3\n$/);
});
