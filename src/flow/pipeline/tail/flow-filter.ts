import { Prefixes } from '../../enrich/address-words.ts';
import type { FlowBatch } from '../../model/flow-batch.ts';
import type { TailRequest } from './request.ts';

/** Which rows are wanted. What is not asked for is not looked at. */
export class FlowFilter {
  readonly #exporters: Prefixes | undefined;
  readonly #addresses: Prefixes | undefined;
  readonly #ports: ReadonlySet<number> | undefined;
  readonly #protocols: ReadonlySet<number> | undefined;

  /** @throws TypeError for what is no address and no prefix */
  constructor({ exporters, addresses, ports, protocols }: Omit<TailRequest, 'id'>) {
    if (exporters.length > 0) this.#exporters = new Prefixes(exporters);
    if (addresses.length > 0) this.#addresses = new Prefixes(addresses);
    if (ports.length > 0) this.#ports = new Set(ports);
    if (protocols.length > 0) this.#protocols = new Set(protocols);
  }

  matches({ columns }: FlowBatch, row: number): boolean {
    const { srcAddr, dstAddr, srcPort, dstPort, proto, samplerAddress } = columns;
    if (this.#protocols?.has(proto[row] as number) === false) return false;
    const ports = this.#ports;
    if (ports !== undefined && !ports.has(srcPort[row] as number)) {
      if (!ports.has(dstPort[row] as number)) return false;
    }
    const addresses = this.#addresses;
    if (addresses !== undefined && !addresses.has(srcAddr, row * 4)) {
      if (!addresses.has(dstAddr, row * 4)) return false;
    }
    return this.#exporters?.has(samplerAddress, row * 4) !== false;
  }
}
