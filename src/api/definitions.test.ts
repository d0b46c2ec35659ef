import assert from 'node:assert/strict';
import { test } from 'node:test';
import { descriptorFiles, loadServices } from './definitions.ts';

test('missing descriptors are an error that says how to make them', () => {
  assert.throws(() => descriptorFiles('/nonexistent'), {
    message: '/nonexistent/floxy.binpb is missing: run `npm run build:proto`',
  });
});

test('large requests consist of lists only, so that they can be decoded in parts', () => {
  const { settings, metrics } = loadServices();
  for (const method of [...Object.values(settings), ...Object.values(metrics)]) {
    const { requestType } = method as { requestType?: { type: { field: { label: string }[] } } };
    for (const { label } of requestType?.type.field ?? [{ label: 'no type' }]) {
      assert.equal(label, 'LABEL_REPEATED', method.path);
    }
  }
});
