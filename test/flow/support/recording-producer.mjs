/** A plug-in for tests: appends what it gets to a file at once, a line for each message; or hangs. */
import { appendFileSync } from 'node:fs';
import { z } from 'zod';

const options = z.strictObject({
  file: z.string(),
  /** Nothing is ever delivered, and the process does not end by itself. */
  hangs: z.boolean().default(false),
  breaks: z.boolean().default(false),
});

class RecordingProducer {
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

  constructor(given, { shard }) {
    if (given.breaks) throw new Error('broken on purpose');
    this.given = given;
    this.shard = shard;
  }

  async start() {}

  offer({ bytes, ends, records }) {
    this.counters.offered += records;
    if (this.given.hangs) {
      this.counters.queuedRecords += records;
      return true;
    }
    let from = 0;
    for (const end of ends) {
      const text = bytes.toString('utf8', from, end).trim();
      appendFileSync(this.given.file, `${this.shard} ${text}\n`);
      from = end;
    }
    this.counters.delivered += records;
    this.counters.bytes += bytes.length;
    return true;
  }

  async flush() {
    if (this.given.hangs) await new Promise(() => {});
  }

  async stop() {}
}

// biome-ignore lint/style/noDefaultExport: this is what a plug-in is.
export default {
  name: 'recording',
  options,
  create: (given, context) => new RecordingProducer(given, context),
};
