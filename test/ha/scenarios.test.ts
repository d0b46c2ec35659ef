import { after, before, describe, test } from 'node:test';
import { requirePrograms } from '../announce/bgp-lab.ts';
import { tellTime } from '../lab/times.ts';
import { HaLab } from './ha-lab.ts';
import { readCutSeconds, scenarios } from './scenarios.ts';

describe('high availability', { skip: requirePrograms('gobgpd', 'bird', 'gcc') }, () => {
  let lab: HaLab;

  before(async () => {
    lab = await HaLab.start();
  });

  after(async () => {
    try {
      await lab?.traffic.assertUndamaged();
    } finally {
      await lab?.[Symbol.asyncDispose]();
    }
  });

  for (const { title, promise, run } of scenarios(readCutSeconds(process.env))) {
    test(`${title}: ${promise}`, async (t) => {
      const found = await run(lab);
      t.diagnostic(JSON.stringify(found));
      if (found.took !== undefined) tellTime(title, found.took.ms, found.took.limitMs);
    });
  }
});
