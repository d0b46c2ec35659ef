import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, test } from 'node:test';
import { nsqKind } from '../../../src/flow/produce/nsq.ts';
import { makeCertificate } from '../../cli/certificates.ts';
import { waitFor } from '../../lab/shell.ts';
import { freeTcpPort } from '../../support/free-port.ts';
import { failureOf, offerOf, startProducer, temporaryFolder } from '../../support/offers.ts';
import { describeConformance } from '../../support/producer-conformance.ts';
import { TestNsqd } from '../../support/test-nsqd.ts';

describeConformance({
  title: 'nsq',
  kind: nsqKind,
  makePeer: () => TestNsqd.make(),
  acknowledged: 'by peer',
});

describeConformance({
  title: 'nsq with deflate',
  kind: nsqKind,
  async makePeer() {
    const nsqd = await TestNsqd.make({ deflate: true });
    Object.assign(nsqd.options, { compression: 'deflate' });
    return nsqd;
  },
  acknowledged: 'by peer',
});

describe('nsq', () => {
  test('TLS, deflate and a secret together; each is told where nsqd wants or has it otherwise', async () => {
    await using folder = await temporaryFolder();
    const files = makeCertificate(folder.path, 'localhost');
    const all = { tls: { ca_file: files.certificate }, compression: 'deflate', secret: 's' };
    await using nsqd = await TestNsqd.make({ tls: files, deflate: true, secret: 's' });
    await nsqd.up();
    await using producer = await startProducer(nsqKind, { ...nsqd.options, ...all });
    producer.offer(offerOf(['a', 'b']));
    await producer.flush(60_000);
    assert.deepEqual(await nsqd.received(), ['a', 'b']);
    for (const [wrong, said] of [
      [{ ...all, tls: {} }, /certificate/],
      [{ ...all, secret: 'wrong' }, /E_UNAUTHORIZED/],
      [{ ...all, secret: undefined }, /set secret/],
    ] as const) {
      await using other = await startProducer(nsqKind, { ...nsqd.options, ...wrong });
      assert.match(await failureOf(other), said);
    }
    await using plain = await TestNsqd.make();
    await plain.up();
    for (const [wrong, said] of [
      [{ tls: {} }, /no TLS/],
      [{ compression: 'deflate' }, /no deflate/],
    ] as const) {
      await using other = await startProducer(nsqKind, { ...plain.options, ...wrong });
      assert.match(await failureOf(other), said);
    }
  });

  test('heartbeats are answered; a connection without them is made anew', async () => {
    await using nsqd = await TestNsqd.make();
    await nsqd.up();
    await using producer = await startProducer(nsqKind, { ...nsqd.options, heartbeat: '1s' });
    await waitFor('two are answered', () => nsqd.heartbeats >= 2);
    assert.deepEqual(producer.status, { state: 'ok' });
    await using mute = await TestNsqd.make({ mute: true });
    await mute.up();
    await using other = await startProducer(nsqKind, { ...mute.options, heartbeat: '1s' });
    assert.match(await failureOf(other), /no heartbeat within 2000 ms/);
    await waitFor('it is connected again', () => mute.identities.length >= 2);
  });

  test('a message that nsqd refuses fails, those around it arrive in order', async () => {
    await using nsqd = await TestNsqd.make({ maxMessage: 10 });
    await nsqd.up();
    await using producer = await startProducer(nsqKind, nsqd.options);
    producer.offer(offerOf(['a', 'b', 'much too large', 'c', 'also too large', 'd']));
    await producer.flush(60_000);
    assert.deepEqual(await nsqd.received(), ['a', 'b', 'c', 'd']);
    assert.deepEqual([producer.counters.delivered, producer.counters.failed], [4, 2]);
  });

  test('messages that cannot be sent fail without asking', async () => {
    await using nsqd = await TestNsqd.make();
    await nsqd.up();
    await using producer = await startProducer(nsqKind, { ...nsqd.options, max_message_bytes: 5 });
    producer.offer(offerOf(['a', '', 'too large', 'b']));
    await producer.flush(60_000);
    assert.deepEqual(await nsqd.received(), ['a', 'b']);
    assert.equal(producer.counters.failed, 2);
  });

  test('topics by protocol; one that nsqd does not take is told', async () => {
    await using nsqd = await TestNsqd.make();
    await nsqd.up();
    await using producer = await startProducer(nsqKind, {
      ...nsqd.options,
      topic: '{pipeline}.{protocol}',
    });
    producer.offer({ ...offerOf(['a']), protocol: 'ipfix' });
    producer.offer({ ...offerOf(['b']), protocol: 'sflow' });
    await producer.flush(60_000);
    assert.deepEqual(nsqd.messages, [
      { topic: 'p.ipfix', text: 'a' },
      { topic: 'p.sflow', text: 'b' },
    ]);
    await using wrong = await startProducer(nsqKind, { ...nsqd.options, topic: 'a/b' });
    wrong.offer(offerOf(['c']));
    assert.match(await failureOf(wrong), /E_BAD_TOPIC/);
    assert.equal(wrong.counters.queuedRecords, 1);
  });

  test('of several servers the next one is used when one is away', async () => {
    await using first = await TestNsqd.make();
    await using second = await TestNsqd.make();
    await second.up();
    const servers = [first, second].map(({ port }) => `localhost:${port}`);
    await using producer = await startProducer(nsqKind, { servers, topic: 'flows' });
    producer.offer(offerOf(['a']));
    await producer.flush(60_000);
    assert.deepEqual(await second.received(), ['a']);
    await first.up();
    await second.down();
    producer.offer(offerOf(['b']));
    await producer.flush(60_000);
    assert.deepEqual(await first.received(), ['b']);
  });

  test('a peer that speaks something else is told', async () => {
    const port = await freeTcpPort();
    await using server = createServer((socket) => {
      socket
        .on('error', () => undefined)
        .resume()
        .write('HTTP/1.1 400 Bad Request\r\n\r\n');
    }).listen(port, '127.0.0.1');
    assert.ok(server);
    await using producer = await startProducer(nsqKind, { servers: [`127.0.0.1:${port}`] });
    assert.match(await failureOf(producer), /does not speak the protocol of nsqd/);
    await producer.stop(1000);
  });
});
