import { z } from 'zod';
import type { ProducerKind } from '../model/producer.ts';
import { Name, nameOption } from './names.ts';
import { NsqLink } from './nsq-link.ts';
import { commonOptions, duration, size } from './options.ts';
import { QueuedProducer } from './queued-producer.ts';
import { tlsOption } from './tls.ts';

const address = z
  .string()
  .regex(/^(\[[\da-fA-F:]+\]|[^\s:/]+):\d{1,5}$/, { error: 'must be HOST:PORT' })
  .transform((text) => {
    const colon = text.lastIndexOf(':');
    return {
      host: text.slice(0, colon).replace(/^\[(.*)\]$/, '$1'),
      port: Number(text.slice(colon + 1)),
    };
  });

const options = z.strictObject({
  ...commonOptions,
  servers: z
    .array(address)
    .min(1)
    .prefault(['localhost:4150'])
    .meta({ description: 'nsqd, `HOST:PORT`; of several one is used, the next one when it fails' }),
  topic: nameOption('topic, with `{protocol}`, `{pipeline}`, `{shard}` in it as wanted').prefault(
    'vflow.{protocol}',
  ),
  secret: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'secret for AUTH, where nsqd wants one' }),
  compression: z
    .enum(['none', 'deflate'])
    .prefault('none')
    .meta({ description: '`none` or `deflate`, of the connection' }),
  heartbeat: duration(
    '30s',
    'nsqd asks so often whether the connection is alive; after two without it is made anew',
    1000,
  ),
  max_message_bytes: size('1MiB', "larger messages fail: nsqd's `--max-msg-size`"),
  client_id: z
    .string()
    .min(1)
    .prefault('floxy')
    .meta({ description: 'how nsqd names this client' }),
  tls: tlsOption,
});

export type NsqOptions = z.output<typeof options>;

/** NSQ: nsqd's TCP protocol V2 (https://nsq.io/clients/tcp_protocol_spec.html), batches by MPUB. */
export const nsqKind: ProducerKind<NsqOptions> = {
  name: 'nsq',
  options,
  create: (given, context) => {
    const topic = new Name(given.topic, context);
    return new QueuedProducer({
      options: given,
      context,
      name: `nsq at ${given.servers.map(({ host, port }) => `${host}:${port}`).join(', ')}`,
      byProtocol: topic.byProtocol,
      link: (events) => new NsqLink(given, topic, events, context.shard),
    });
  },
};
