import type { KernelEngineStatus } from '../../telemetry/status.ts';
import { type Metric, single } from '../metric.ts';
import type { ProxyState } from './state-metrics.ts';

/** Of the engine in the kernel; nothing where it is not wanted. What it has handled is in the counters of forwarders too. */
export const KERNEL_METRICS: readonly Metric<ProxyState>[] = [
  single('gauge', 'floxy_kernel_engine_up', 'whether packets are handled in the kernel', (state) =>
    ofEngine(state, ({ problem }) => (problem === undefined ? 1 : 0)),
  ),
  single(
    'counter',
    'floxy_kernel_engine_handled_packets_total',
    'packets that were handled in the kernel, since its program was loaded; they are in the counters of forwarders too',
    (state) => ofEngine(state, ({ handled }) => handled.packets),
  ),
  single(
    'counter',
    'floxy_kernel_engine_handled_bytes_total',
    'payload bytes of packets that were handled in the kernel',
    (state) => ofEngine(state, ({ handled }) => handled.bytes),
  ),
  {
    name: 'floxy_kernel_engine_passed_up_packets_total',
    help: 'packets that the kernel let go up to the forwarders, by the reason',
    type: 'counter',
    labels: ['reason'],
    read: ({ status: { kernelEngine } }) =>
      (kernelEngine?.up ?? []).map(({ reason, packets }) => ({
        labels: { reason },
        value: packets,
      })),
  },
];

function ofEngine<T>(
  { status: { kernelEngine } }: ProxyState,
  value: (engine: KernelEngineStatus) => T,
): T | undefined {
  return kernelEngine && value(kernelEngine);
}
