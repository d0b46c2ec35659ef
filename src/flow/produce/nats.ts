import { z } from 'zod';
import type { ProducerKind } from '../model/producer.ts';
import { Name, nameOption } from './names.ts';
import { JetStreamLink, NatsLink } from './nats-link.ts';
import { commonOptions, count, flag } from './options.ts';
import { QueuedProducer } from './queued-producer.ts';
import { tlsOption } from './tls.ts';

const shape = z.strictObject({
  ...commonOptions,
  servers: z
    .array(z.string().min(1))
    .min(1)
    .prefault(['nats://localhost:4222'])
    .meta({ description: 'some servers of the cluster; the others are learned from them' }),
  subject: nameOption(
    'subject, with `{protocol}`, `{pipeline}`, `{shard}` in it as wanted',
  ).prefault('vflow.{protocol}'),
  jetstream: flag(
    false,
    'each message is acknowledged by a JetStream stream, which must be there; else by nobody',
  ),
  max_in_flight: count(
    256,
    'with JetStream: most messages that wait for their acknowledgements',
    1,
  ),
  user: z.string().optional().meta({ description: 'user, with `password`' }),
  password: z.string().optional().meta({ description: 'its password' }),
  token: z.string().optional().meta({ description: 'token, instead of a user' }),
  nkey_seed: z
    .string()
    .optional()
    .meta({ description: 'seed of an NKey (`SU…`), instead of a user' }),
  creds_file: z
    .string()
    .optional()
    .meta({ description: 'file of credentials (JWT and seed), instead of a user' }),
  tls: tlsOption,
});

export type NatsOptions = z.output<typeof shape>;

const options = shape.superRefine((given, context) => {
  const ways = [given.user, given.token, given.nkey_seed, given.creds_file];
  if (ways.filter((way) => way !== undefined).length > 1) {
    context.addIssue('only one of user, token, nkey_seed and creds_file can be given');
  }
  if ((given.user === undefined) !== (given.password === undefined)) {
    context.addIssue('user and password go together');
  }
});

/**
 * NATS. Without JetStream what counts as delivered is what the server has read, whoever subscribes. With it each message
 * is acknowledged by the stream, and what is sent again after a failure has the same id: the stream leaves it out.
 */
export const natsKind: ProducerKind<NatsOptions> = {
  name: 'nats',
  options,
  create: (given, context) => {
    const subject = new Name(given.subject, context);
    const name = `nats at ${given.servers.join(', ')}`;
    const Kind = given.jetstream ? JetStreamLink : NatsLink;
    return new QueuedProducer({
      options: given,
      context,
      name,
      byProtocol: subject.byProtocol,
      link: (events) =>
        new Kind(given, subject, events, `floxy ${context.pipeline} ${context.shard}`),
    });
  },
};
