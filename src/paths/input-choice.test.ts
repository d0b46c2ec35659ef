import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InputChoice } from './input-choice.ts';

test('R30: what is on the way of input is told when it comes and goes, and when it is not known', async () => {
  let firewall: string | undefined;
  let others: readonly string[] = [];
  let changed = () => {};
  let changes = 0;
  const watch = {
    open: () => undefined,
    start: async (onChange: () => void) => {
      changed = onChange;
    },
    stop: () => undefined,
    obstacle: () => firewall,
  };
  const choice = new InputChoice({ watches: [watch], obstacles: () => others });
  assert.match(choice.obstacle ?? '', /not known yet/);
  choice.open();
  choice.start(() => changes++);
  assert.equal(choice.obstacle, undefined);
  firewall = 'nftables has an input chain (inet filter input)';
  changed();
  assert.equal(choice.obstacle, firewall);
  changed();
  firewall = undefined;
  others = ['eth0 has a strict reverse path filter (rp_filter)'];
  changed();
  assert.equal(choice.obstacle, others[0]);
  assert.equal(changes, 3, 'told when it was another');
  choice.stop();
});
