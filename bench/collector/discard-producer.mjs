/** A plug-in that takes everything and keeps nothing: what is before it is measured. */
import { z } from 'zod';

class Discard {
  status = { state: 'ok' };
  counters = {
    offered: 0,
    recovered: 0,
    delivered: 0,
    failed: 0,
    dropped: 0,
    retried: 0,
    bytes: 0,
    queuedRecords: 0,
    queuedBytes: 0,
    spooledBytes: 0,
  };

  async start() {}

  offer({ records, bytes }) {
    this.counters.offered += records;
    this.counters.delivered += records;
    this.counters.bytes += bytes.length;
    return true;
  }

  async flush() {}

  async stop() {}
}

// biome-ignore lint/style/noDefaultExport: this is what a plug-in is.
export default { name: 'discard', options: z.strictObject({}), create: () => new Discard() };
