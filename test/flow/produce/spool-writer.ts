/** A process that offers numbered messages to a peer that is away, until it is killed. Arguments: port, spool folder. */
import { setTimeout as sleep } from 'node:timers/promises';
import { nsqKind } from '../../../src/flow/produce/nsq.ts';
import { offerOf, startProducer } from '../../support/offers.ts';

const [port = '', spoolFolder = ''] = process.argv.slice(2);
const options = { servers: [`localhost:${port}`], topic: 'flows', spool: { file_bytes: 65_536 } };
const producer = await startProducer(nsqKind, options, { spoolFolder });
const found = producer.counters.spooledBytes;
for (let i = 0; ; i++) {
  producer.offer(offerOf([`k:${i}`]));
  if (i % 50 === 49) await sleep(1);
  process.stdout.write(producer.counters.spooledBytes > found + 100_000 ? 'enough\n' : '');
}
