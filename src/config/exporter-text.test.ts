import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { arbitraryRules } from '../../test/support/arbitrary-rules.ts';
import { exporterKey } from '../model/rules.ts';
import { parseExporterText } from './exporter-text.ts';

describe('parseExporterText()', () => {
  it('R18, R19: reads what exporterKey() prints, of any exporter', () => {
    fc.assert(
      fc.property(arbitraryRules(), (rules) => {
        for (const { exporter } of rules) {
          assert.deepEqual(parseExporterText(exporterKey(exporter)), exporter);
        }
      }),
    );
  });

  for (const [text, expected] of [
    ['10.20.0.0/32', '10.20.0.0'],
    ['::ffff:10.20.0.0/112', '10.20.0.0/16'],
    ['[::ffff:10.20.0.0/112]:7@9995', '10.20.0.0/16:7@9995'],
    ['[2001:DB8::/32]', '2001:db8::/32'],
    ['10.20.1.0/16', '10.20.1.0/16'],
  ] as const) {
    it(`${text} is ${expected}`, () => {
      const exporter = parseExporterText(text);
      assert.equal(exporter && exporterKey(exporter), expected);
    });
  }

  for (const text of [
    '',
    '@9995',
    '192.0.2.1@',
    '192.0.2.1@0',
    '192.0.2.1@1@2',
    '192.0.2.1@65536',
    '192.0.2.1/33',
    '192.0.2.1/-1',
    '192.0.2.1/01',
    '192.0.2.1/',
    '192.0.2.0/24/24',
    '192.0.2.0:7/24',
    '::ffff:10.20.0.0/95',
    '2001:db8::/129',
    'router/24',
  ]) {
    it(`${JSON.stringify(text)} is none`, () => assert.equal(parseExporterText(text), undefined));
  }
});
