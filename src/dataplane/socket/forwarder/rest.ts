import type { ForwardingTable } from '../../../table/forwarding-table.ts';
import { COLLECTOR } from '../../../table/layout.ts';

const MAX_REST_MS = 2;
/** As the kernel counts them: room for more than anybody receives in a millisecond. */
const BUFFER_BYTES_PER_MS = 8 * 1024 ** 2;

/**
 * How long packets may wait in a receive buffer so that they are taken together, which costs less than one by one: no
 * longer than it has room for.
 *
 * @param bufferBytes of the receive buffer, as the kernel counts them: twice what was asked for
 * @returns whole milliseconds; 0 = not at all
 */
export function restMs(bufferBytes: number): number {
  return Math.min(MAX_REST_MS, Math.floor(bufferBytes / BUFFER_BYTES_PER_MS));
}

/**
 * Whether nothing leaves this machine: nobody notices when packets wait. False also when a row that is not in use any more
 * is that of a remote collector.
 */
export function feedsOnlyPipelines(
  table: Pick<ForwardingTable, 'words' | 'collectorsAtBytes' | 'collectorCount'>,
): boolean {
  const bytes = new Uint8Array(table.words.buffer);
  for (let i = 0; i < table.collectorCount; i++) {
    const at = table.collectorsAtBytes + i * COLLECTOR.SIZE;
    if (bytes[at + COLLECTOR.FAMILY_BYTE] !== 0) return false;
  }
  return table.collectorCount > 0;
}
