import { after, before, describe, test } from 'node:test';
import { requirePrograms } from '../announce/bgp-lab.ts';
import { HaLab } from './ha-lab.ts';
import { readCutSeconds, scenarios } from './scenarios.ts';

describe('high availability', { skip: requirePrograms('gobgpd', 'bird', 'gcc') }, () => {
  let lab: HaLab;

  before(async () => {
    lab = await HaLab.start();
  });

  after(() => lab?.[Symbol.asyncDispose]());

  for (const { title, promise, run } of scenarios(readCutSeconds(process.env))) {
    test(`${title}: ${promise}`, async (t) => {
      t.diagnostic(JSON.stringify(await run(lab)));
    });
  }
});
