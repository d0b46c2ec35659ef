/** A process that writes numbered lines to its standard output, and says on the other one how it went. */
import { stdoutKind } from '../../../src/flow/produce/stdout.ts';
import { offerOf, startProducer } from '../../support/offers.ts';

const [lines = '', waitMs = ''] = process.argv.slice(2);
const producer = await startProducer(stdoutKind, { queue_bytes: 500_000 });
for (let i = 0; i < Number(lines); i++) producer.offer(offerOf([`k:${i}:${'x'.repeat(90)}`]));
await producer.flush(Number(waitMs));
const { state, error } = producer.status;
await producer.stop(500);
process.stderr.write(JSON.stringify({ state, error, counters: producer.counters }));
process.exit();
