// A producer for MQTT, as a plug-in of Floxy: what you write yourself is how to connect, how to send one batch, and how
// to close. Queue, batches, attempts with growing delays, accounts, the spool on disk and deadlines are Floxy's.
//
// In the configuration of a pipeline:
//
//   producer:
//     kind: ./mqtt-producer.mjs
//     url: mqtt://broker.example.com:1883
//     topic: flows/{protocol}
//
// The library is found from the folder of this file: `npm install mqtt` there.
import { connectAsync } from 'mqtt';

// The default export is a function that gets Floxy's toolkit (src/flow/produce/toolkit.ts) and returns the kind.
export default ({
  z,
  commonOptions,
  nameOption,
  tlsOption,
  tlsSettings,
  QueuedProducer,
  Name,
  message,
}) => ({
  // The name of the kind, for messages.
  name: 'mqtt',

  // The options, as a zod schema. It is strict, so a misspelt option is refused, with its line in the file.
  options: z.strictObject({
    // queue_bytes, batch_delay, retry_delay_max, spool … work for every kind alike.
    ...commonOptions,
    url: z
      .string()
      .startsWith('mqtt')
      .meta({ description: 'broker, `mqtt://HOST:PORT` or `mqtts://HOST:PORT`' }),
    // Placeholders in it are {protocol}, {pipeline} and {shard}; others are refused.
    topic: nameOption('topic to publish to').prefault('flows/{protocol}'),
    qos: z
      .union([z.literal(0), z.literal(1)])
      .prefault(1)
      .meta({ description: '1: the broker acknowledges' }),
    username: z.string().optional(),
    password: z.string().optional(),
    tls: tlsOption,
  }),

  // Makes a producer of options that were found good. Nothing is connected yet.
  create(options, context) {
    // Fills in the pipeline and the shard now, the protocol for each batch.
    const topic = new Name(options.topic, context);
    return new QueuedProducer({
      options,
      // Log, pipeline, shard, folder of the spool.
      context,
      // What status and log call the peer.
      name: `mqtt at ${options.url}`,
      // With {protocol} in the topic, each batch is of one protocol.
      byProtocol: topic.byProtocol,
      // Called once. `events.lost(error)` tells that a connection is gone.
      link: (events) => new MqttLink(options, topic, events, { tlsSettings, message }),
    });
  },
});

class MqttLink {
  #options;
  #topic;
  #events;
  #tools;
  #client;

  constructor(options, topic, events, tools) {
    this.#options = options;
    this.#topic = topic;
    this.#events = events;
    this.#tools = tools;
  }

  // Connects, or throws what hinders: then it is called again, after a delay that grows. What it throws becomes the
  // state of the producer, so it should say what is wrong.
  async connect() {
    const { url, username, password, tls, connect_timeout } = this.#options;
    const client = await connectAsync(
      url,
      {
        username,
        password,
        ...(tls && (await this.#tools.tlsSettings(tls))),
        connectTimeout: connect_timeout,
        // The library does not try again by itself: Floxy does, and counts it.
        reconnectPeriod: 0,
      },
      false,
    );
    this.#client = client;
    // An error without a listener would end the process; the end of the connection comes as 'close'.
    let reason = new Error('the broker closed the connection');
    client.on('error', (error) => {
      reason = error;
    });
    client.on('close', () => {
      // After `close()` it is none of our business any more.
      if (this.#client === client) this.#events.lost(reason);
    });
  }

  // Sends one batch, its messages in their order. When it resolves they count as delivered; when it throws, the
  // connection is closed, made again, and the whole batch is sent again. A peer that refuses single messages is told by
  // returning { refused: [indexes], error } instead; one that wants some again, by { again: [indexes], error }.
  async send(batch) {
    const topic = this.#topic.for(batch.protocol);
    const { qos } = this.#options;
    // All are under way at once: the library keeps their order, and waits for each acknowledgement.
    await Promise.all(
      // `batch.keys?.[i]` would be the exporter of a message, for peers that have keys.
      Array.from(batch.ends, (_, i) =>
        this.#client.publishAsync(topic, this.#tools.message(batch, i), { qos }),
      ),
    );
  }

  // Called after every failure and at the end, connected or not. It does not throw, and does not wait for anybody.
  async close() {
    const client = this.#client;
    this.#client = undefined;
    client?.end(true);
  }
}
