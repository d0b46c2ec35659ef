import assert from 'node:assert/strict';
import { test } from 'node:test';
import { descriptorFiles, loadServices } from './definitions.ts';

test('missing descriptors are an error that says how to make them', () => {
  assert.throws(() => descriptorFiles('/nonexistent'), {
    message: '/nonexistent/floxy.binpb is missing: run `npm run build:proto`',
  });
});

test('requests with lists, which can be large, have nothing else, so that they can be decoded in parts', () => {
  const { settings, metrics } = loadServices();
  for (const method of [...Object.values(settings), ...Object.values(metrics)]) {
    const { requestType } = method as { requestType?: { type: { field: { label: string }[] } } };
    assert.ok(requestType, method.path);
    const labels = new Set(requestType.type.field.map(({ label }) => label));
    assert.ok(!labels.has('LABEL_REPEATED') || labels.size === 1, method.path);
  }
});
