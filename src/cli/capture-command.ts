import { open } from 'node:fs/promises';
import type { Message } from '@bufbuild/protobuf';
import { type Command, InvalidArgumentError } from 'commander';
import { messageOf } from '../base/errors.ts';
import { canonicalOctets, type Octets, parseAddress } from '../model/address.ts';
import { formatEndpoint, makeEndpoint } from '../model/endpoint.ts';
import { type PcapDatagram, pcapFileHeader, pcapRecord } from '../model/pcap.ts';
import { readAccess } from './access-options.ts';
import { streamApi } from './api-client.ts';
import { collectExporter, type ExporterJson } from './endpoint-argument.ts';
import { CliError, EXIT } from './exit.ts';
import { findMethod, makeMessage } from './messages.ts';
import { formatCount } from './table.ts';
import type { Terminal } from './terminal.ts';

interface CaptureOptions {
  readonly write?: string;
  readonly count?: number;
  readonly bytes?: number;
  readonly seconds?: number;
}

/** What CapturePackets answers: CapturePacketsResponse in proto/capture.proto. */
interface Captured {
  readonly packets: readonly {
    readonly source?: {
      readonly address: { readonly case: string | undefined; readonly value?: unknown };
      readonly port?: number;
    };
    readonly listenPort: number;
    readonly receivedUs: bigint;
    readonly payload: Uint8Array;
    readonly truncated?: boolean;
  }[];
  readonly lost?: bigint;
}

/** Where packets are put. */
interface Sink {
  write(datagrams: readonly PcapDatagram[]): Promise<void>;
  close(): Promise<void>;
}

/** Adds `floxy capture`. */
export function addCaptureCommand(program: Command, terminal: Terminal): void {
  program
    .command('capture')
    .description(
      'capture the packets of an exporter as they arrive at the proxy, also those that no rule matches, until so many were captured or Ctrl-C',
    )
    .argument(
      '<exporter>',
      'such as 192.0.2.1, [2001:db8::1]:1000, 10.20.0.0/16 or 192.0.2.1@9995 (what comes to that port of the proxy), or all',
      readExporter,
    )
    .option(
      '-w, --write <file>',
      'write a pcap file, which tshark, tcpdump and nfcapd read; - is standard output (default: print a line for each packet)',
    )
    .option('-c, --count <packets>', 'end after so many (default: 1000)', readNumber)
    .option('-s, --seconds <seconds>', 'end after so long (default: 60)', readNumber)
    .option('--bytes <bytes>', 'end after so many bytes of payload (default: 67108864)', readNumber)
    .action((exporter: ExporterJson | undefined, options: CaptureOptions, self: Command) =>
      capture({ exporter, options, command: self, terminal }),
    );
}

interface Capturing {
  /** Undefined: all. */
  readonly exporter: ExporterJson | undefined;
  readonly options: CaptureOptions;
  readonly command: Command;
  readonly terminal: Terminal;
}

async function capture({ exporter, options, command, terminal }: Capturing): Promise<void> {
  const method = findMethod('floxy', 'collector.proto.Capture', 'CapturePackets');
  const { count, bytes, seconds } = options;
  const request = makeMessage(method.input, {
    ...(exporter !== undefined && requestOf(exporter)),
    ...(count !== undefined && { packets: count }),
    ...(bytes !== undefined && { bytes }),
    ...(seconds !== undefined && { seconds }),
  });
  const access = readAccess(command, terminal.env);
  const interruption = new AbortController();
  const ignore = terminal.onInterrupt(() => interruption.abort());
  const account = new Account();
  let sink: Sink | undefined;
  try {
    for await (const message of streamApi(access, method, request, interruption.signal)) {
      // With the first message, which has no packets: a call that is refused leaves no file.
      sink ??= await openSink(options.write, terminal);
      await account.take(message as Message & Captured, sink);
    }
  } finally {
    ignore();
    await sink?.close();
  }
  terminal.printError(account.summary());
}

/** The fields of the request that say whose packets are meant. */
function requestOf({ endpoint, ...rest }: ExporterJson) {
  return { exporter: endpoint, ...rest };
}

/** What was captured. */
class Account {
  #packets = 0;
  #bytes = 0;
  #truncated = 0;
  #lost = 0n;

  async take({ packets, lost = 0n }: Captured, sink: Sink): Promise<void> {
    this.#lost += lost;
    const datagrams = packets.map(toDatagram);
    await sink.write(datagrams);
    for (const { payload, isTruncated } of datagrams) {
      this.#packets++;
      this.#bytes += payload.length;
      if (isTruncated) this.#truncated++;
    }
  }

  summary(): string {
    const cut =
      this.#truncated === 0
        ? ''
        : `, ${formatCount(this.#truncated)} of them cut to COLLECTOR_FLOXY_PACKET_BUFFER_SIZE`;
    const lost = `${formatCount(Number(this.#lost))} lost to the capture`;
    return `${formatCount(this.#packets)} packets, ${formatCount(this.#bytes)} bytes of payload${cut}; ${lost}\n`;
  }
}

/** Packets do not tell which address of this host they came to: the unspecified one stands for it. */
function toDatagram(packet: Captured['packets'][number]): PcapDatagram {
  const { source, listenPort, receivedUs, payload, truncated = false } = packet;
  const octets = octetsOf(source?.address.value);
  return {
    source: octets,
    sourcePort: source?.port ?? 0,
    destination: new Uint8Array(octets.length),
    destinationPort: listenPort,
    receivedUs: Number(receivedUs),
    payload,
    isTruncated: truncated,
  };
}

function octetsOf(address: unknown): Octets {
  if (address instanceof Uint8Array) return canonicalOctets(address);
  return parseAddress(String(address)) ?? new Uint8Array(4);
}

async function openSink(file: string | undefined, terminal: Terminal): Promise<Sink> {
  if (file === undefined) {
    return { write: (datagrams) => terminal.print(datagrams.map(lineOf).join('')), close };
  }
  if (file !== '-') return openFile(file);
  await terminal.print(pcapFileHeader());
  return { write: (datagrams) => terminal.print(pcapRecords(datagrams)), close };
}

function pcapRecords(datagrams: readonly PcapDatagram[]): Uint8Array {
  return Buffer.concat(datagrams.map(pcapRecord));
}

async function close(): Promise<void> {}

async function openFile(file: string): Promise<Sink> {
  const failed = (error: unknown): never => {
    const message = `${file} cannot be written: ${messageOf(error)}`;
    throw new CliError(EXIT.failed, message, { cause: error });
  };
  // Packets tell who talks to whom.
  const handle = await open(file, 'w', 0o600).catch(failed);
  const put = (bytes: Uint8Array) => handle.appendFile(bytes).catch(failed);
  await put(pcapFileHeader());
  return { write: (datagrams) => put(pcapRecords(datagrams)), close: () => handle.close() };
}

/** `10:00:00.123456 192.0.2.1:5000 > :2055 NetFlow v9, 1400 bytes` */
function lineOf(datagram: PcapDatagram): string {
  const { source, sourcePort, destinationPort, receivedUs, payload, isTruncated } = datagram;
  const milliseconds = new Date(receivedUs / 1000).toISOString().replace('T', ' ').slice(0, -1);
  const when = `${milliseconds}${String(receivedUs % 1000).padStart(3, '0')}`;
  const from = formatEndpoint(makeEndpoint(source, sourcePort));
  const cut = isTruncated ? ', cut' : '';
  return `${when} ${from} > :${destinationPort} ${protocolOf(payload)}, ${payload.length} bytes${cut}\n`;
}

/** By the version word, as decoders tell them. */
function protocolOf(payload: Uint8Array): string {
  if (payload.length < 4) return 'UDP';
  const [a = 0, b = 0, c = 0, d = 0] = payload;
  const version = (a << 8) | b;
  if (version === 5) return 'NetFlow v5';
  if (version === 9) return 'NetFlow v9';
  if (version === 10) return 'IPFIX';
  return version === 0 && ((c << 8) | d) === 5 ? 'sFlow v5' : 'UDP';
}

function readExporter(text: string): ExporterJson | undefined {
  return text === 'all' ? undefined : collectExporter(text, undefined)[0];
}

function readNumber(text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1 on.');
}
