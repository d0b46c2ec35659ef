import path from 'node:path';
import { loadProducerKind } from '../../../src/flow/produce/kinds.ts';
import { MqttPeer } from '../../support/mqtt-peer.ts';
import { describeConformance } from '../../support/producer-conformance.ts';

const examples = path.resolve(import.meta.dirname, '../../../examples');

describeConformance({
  title: 'the plug-in for MQTT of the examples',
  kind: await loadProducerKind('./mqtt-producer/mqtt-producer.mjs', examples),
  makePeer: () => MqttPeer.make(),
  // The broker acknowledges what its subscribers never get: those that come later, or what was in memory when it died.
  acknowledged: 'by nobody',
});
