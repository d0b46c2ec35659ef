import { z } from 'zod';
import type { ProducerKind } from '../model/producer.ts';
import { KafkaLink } from './kafka-link.ts';
import { Name, nameOption } from './names.ts';
import { commonOptions, count, size } from './options.ts';
import { QueuedProducer } from './queued-producer.ts';
import { tlsOption } from './tls.ts';

const sasl = z
  .strictObject({
    mechanism: z
      .enum(['plain', 'scram-sha-256', 'scram-sha-512'])
      .prefault('plain')
      .meta({ description: '`plain`, `scram-sha-256` or `scram-sha-512`' }),
    username: z.string().min(1).meta({ description: 'name of the user' }),
    password: z.string().meta({ description: 'its password' }),
  })
  .optional()
  .meta({ description: 'authentication; absent: none' });

const broker = z
  .string()
  .regex(/^(\[[\da-fA-F:]+\]|[^\s:/]+):\d{1,5}$/, { error: 'must be HOST:PORT' });

const options = z.strictObject({
  ...commonOptions,
  batch_bytes: size(
    '900kB',
    'messages are sent together up to so many octets: less than what the broker takes (`message.max.bytes`)',
  ),
  brokers: z.array(broker).min(1).prefault(['localhost:9092']).meta({
    description: 'some brokers of the cluster, `HOST:PORT`; the others are learned from them',
  }),
  topic: nameOption(
    'topic, with `{protocol}`, `{pipeline}`, `{shard}` in it as wanted; it must be there, or the brokers make it',
  ).prefault('vflow.{protocol}'),
  acks: z
    .union([z.literal('all'), z.literal(1), z.literal(0), z.literal(-1)])
    .prefault('all')
    .meta({
      description:
        'who has to have a message: `all` in-sync replicas (-1 is the same), 1: the leader, 0: nobody',
    }),
  compression: z
    .enum(['none', 'gzip', 'snappy', 'lz4', 'zstd'])
    .prefault('none')
    .meta({ description: '`none`, `gzip`, `snappy`, `lz4` or `zstd`' }),
  client_id: z
    .string()
    .min(1)
    .prefault('floxy')
    .meta({ description: 'how brokers name this client in their logs' }),
  max_in_flight: count(5, 'most requests to one broker that wait for their answers', 1),
  tls: tlsOption,
  sasl,
});

export type KafkaOptions = z.output<typeof options>;

/**
 * Apache Kafka 0.11 and later. The key of a message is the exporter: it chooses the partition, as Java's clients do. What
 * is sent again after a failure may be there twice. (The library's idempotent mode is not offered: librdkafka's mock
 * cluster, which the tests have for a broker, refuses what it sends.)
 */
export const kafkaKind: ProducerKind<KafkaOptions> = {
  name: 'kafka',
  options,
  create: (given, context) => {
    const topic = new Name(given.topic, context);
    return new QueuedProducer({
      options: given,
      context,
      name: `kafka at ${given.brokers.join(', ')}`,
      byProtocol: topic.byProtocol,
      link: (events) => new KafkaLink(given, topic, events),
    });
  },
};
