import { flowSample, typedAddress, words } from '../../support/sflow-writer.ts';

const SAMPLE = flowSample({ records: [] });

/** An sFlow datagram of one flow sample that says who sent it (agent 192.0.2.EXPORTER) and its number (its sequence). */
export function numberedSflow(exporter: number, number: number): Buffer {
  const agent = typedAddress(`192.0.2.${exporter}`);
  return Buffer.concat([words(5), agent, words(0, number, 60_000, 1), SAMPLE]);
}
