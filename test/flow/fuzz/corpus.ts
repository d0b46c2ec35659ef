import { readdirSync } from 'node:fs';
import { capturesFolder, readCapture } from '../../support/flow-captures.ts';
import { MessageWriter } from '../../support/flow-messages/messages.ts';
import { netflow5Message } from '../../support/flow-messages/netflow5-messages.ts';
import { Random } from '../../support/flow-messages/random.ts';
import { sflowDatagrams } from './sflow-corpus.ts';

/** Valid datagrams to begin with: written ones of all protocols, and those of real exporters where there are some. */
export function makeCorpus(seed: number): Uint8Array[] {
  const random = new Random(seed);
  const corpus: Uint8Array[] = [];
  for (let exporter = 0; exporter < 40; exporter++) {
    const writer = new MessageWriter(random.u32(), random.once(2) ? 9 : 10);
    for (let i = 0; i < 12; i++) corpus.push(writer.next().octets);
    corpus.push(netflow5Message(random.u32()).octets);
  }
  corpus.push(...sflowDatagrams(random));
  if (capturesFolder !== undefined) corpus.push(...captured());
  return corpus;
}

function captured(): Uint8Array[] {
  const files = readdirSync(capturesFolder as string).filter((file) => /\.(pcap|dat)$/.test(file));
  return files.flatMap((file) => {
    const { bytes, offsets, lengths, count } = readCapture(file);
    return Array.from({ length: Math.min(count, 40) }, (_, i) => {
      const at = offsets[i] as number;
      return bytes.slice(at, at + (lengths[i] as number));
    });
  });
}
