/** What plug-ins get of Floxy: they need not find its files, nor bring a zod of their own. */
import { z } from 'zod';
import type { ProducerKind } from '../model/producer.ts';
import { message } from './batcher.ts';
import { framed, framingOption } from './framing.ts';
import { Name, nameOption } from './names.ts';
import { commonOptions, count, duration, flag, size } from './options.ts';
import { QueuedProducer } from './queued-producer.ts';
import { tlsOption, tlsSettings } from './tls.ts';

export const TOOLKIT = {
  /** The library of schemas. */
  z,
  /** Options that all kinds have: queue, batches, attempts, spool. */
  commonOptions,
  /** Makers of options: octets, times, numbers, switches, names with placeholders. */
  size,
  duration,
  count,
  flag,
  nameOption,
  /** `lines`, `varint` or `none`, and how a batch is written so. */
  framingOption,
  framed,
  /** TLS as all kinds have it, and settings for node:tls of it. */
  tlsOption,
  tlsSettings,
  /** Queue, batches, attempts, accounts, spool, deadlines: around a link of the plug-in. */
  QueuedProducer,
  /** A name with `{protocol}`, `{pipeline}` and `{shard}`. */
  Name,
  /** Message i of a batch. */
  message,
} as const;

export type Toolkit = typeof TOOLKIT;

/** What a plug-in may export instead of a kind. */
export type ProducerKindMaker = (toolkit: Toolkit) => ProducerKind<unknown>;
