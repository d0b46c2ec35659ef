import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Capability, capabilityMask } from '../../native/capabilities.ts';
import { missingPrivileges } from './privileges.ts';

test('R30: what is missing to load the program is named', () => {
  const missing = (...names: Capability[]) => missingPrivileges(capabilityMask(...names));
  assert.equal(missing('NET_ADMIN', 'BPF', 'PERFMON'), undefined);
  assert.equal(missing('NET_ADMIN', 'SYS_ADMIN'), undefined);
  assert.equal(missing('NET_ADMIN', 'BPF'), 'it needs CAP_PERFMON when it starts');
  assert.equal(missing('SYS_ADMIN'), 'it needs CAP_NET_ADMIN when it starts');
  assert.equal(missing('NET_ADMIN'), 'it needs CAP_BPF and CAP_PERFMON when it starts');
  assert.equal(missingPrivileges(undefined), undefined);
});
