import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { arbitraryEndpoint } from '../../test/support/arbitrary-rules.ts';
import { compileRules } from '../../test/support/tables.ts';
import { chooseByWeight, chooseEven } from '../dataplane/socket/forwarder/hashed-choice.ts';
import { formatEndpoint } from '../model/endpoint.ts';
import { homeOf } from './home.ts';
import { COLLECTOR, HEADER, OUTPUT } from './layout.ts';
import { exporterNumber } from './rendezvous.ts';
import { addressWords } from './rows.ts';

test('R20, A60: the collector that is told is the one that gets the packets', async () => {
  const collectors = fc.uniqueArray(
    fc.record({ endpoint: arbitraryEndpoint, weight: fc.integer({ min: 1, max: 3 }) }),
    { selector: ({ endpoint }) => formatEndpoint(endpoint), minLength: 1, maxLength: 6 },
  );
  const property = fc.asyncProperty(
    collectors,
    arbitraryEndpoint,
    fc.boolean(),
    async (all, source, hasPort) => {
      const balance = hasPort ? 'BY_ENDPOINT' : 'BY_EXPORTER';
      const set = { rules: [], defaultOutputs: [{ collectors: all, balance } as const] };
      const { table, words } = await compileRules(set);
      const exporter = exporterNumber(...addressWords(source), hasPort ? source.port : 0);
      const isEven = all.every(({ weight }) => weight === all[0]?.weight);
      const first = words[table.outputsAt + OUTPUT.FIRST_COLLECTOR] as number;
      const chosen = (isEven ? chooseEven : chooseByWeight)(table, first, all.length, exporter);
      const at = (words[HEADER.COLLECTORS] as number) + (first + chosen) * COLLECTOR.WORDS;
      const { endpoint } = homeOf(all, source, hasPort);
      assert.deepEqual([...words.subarray(at, at + 4)], addressWords(endpoint));
    },
  );
  await fc.assert(property);
});
