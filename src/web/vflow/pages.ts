/** vFlow's two pages of JSON, key by key: its monitor reads them. */
import { availableParallelism, cpus } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import type { ShortPage } from '../page.ts';
import type { VflowCounters, VflowFigures } from './figures.ts';

const JSON_TYPE = 'application/json';
const MILLISECONDS = 1000;

/** `/flow`. @param startedAt of the service */
export function flowPage(counters: VflowCounters, startedAt: Date): ShortPage {
  const { ipfix, sflow, netflowv5, netflowv9 } = counters.read();
  const { UDPQueue, ...others } = protocolObject(ipfix);
  return json({
    StartTime: epochSeconds(startedAt),
    // Datagrams are forwarded by other processes, which keep no queue of them.
    IPFIX: { UDPQueue, UDPMirrorQueue: 0, ...others },
    SFlow: protocolObject(sflow),
    NetflowV5: protocolObject(netflowv5),
    NetflowV9: protocolObject(netflowv9),
  });
}

/** `/sys`: of this process, by the names of Go's runtime; what V8 has no equal of is 0. */
export function sysPage(startedAt: Date): ShortPage {
  return json({ ...memoryFigures(), ...processFigures(), StartTime: epochSeconds(startedAt) });
}

/** Octets. */
export function memoryFigures() {
  const heap = getHeapStatistics();
  const { rss } = process.memoryUsage();
  return {
    MemAlloc: heap.used_heap_size + heap.external_memory,
    MemTotalAlloc: rss,
    MemHeapAlloc: heap.used_heap_size,
    MemHeapSys: heap.total_heap_size,
    MemHeapReleased: Math.max(0, heap.total_heap_size - heap.total_physical_size),
    MCacheInuse: 0,
    GCSys: 0,
    GCNext: heap.heap_size_limit,
    GCLast: '',
  };
}

export function processFigures() {
  return {
    NumLogicalCPU: cpus().length,
    /** What the event loop waits for. */
    NumGoroutine: process.getActiveResourcesInfo().length,
    MaxProcs: availableParallelism(),
    GoVersion: `node ${process.version}`,
  };
}

function protocolObject(figures: VflowFigures) {
  const { udpQueue, messageQueue, udpCount, decodedCount, mqErrorCount, workers } = figures;
  return {
    UDPQueue: udpQueue,
    MessageQueue: messageQueue,
    UDPCount: udpCount,
    DecodedCount: decodedCount,
    MQErrorCount: mqErrorCount,
    Workers: workers,
  };
}

function epochSeconds(date: Date): number {
  return Math.floor(date.getTime() / MILLISECONDS);
}

function json(value: object): ShortPage {
  return { contentType: JSON_TYPE, body: `${JSON.stringify(value)}\n` };
}
