import { isIP, isIPv6 } from 'node:net';
import type { JsonObject, JsonValue, Message } from '@bufbuild/protobuf';
import { formatAddress, parseAddress } from '../model/address.ts';
import { GobgpApi } from './gobgp-api.ts';
import type { RouteBackend } from './route-backend.ts';

/** The fields of ListPathResponse that are looked at. */
interface ListedPaths extends Message {
  readonly destination?: {
    readonly prefix: string;
    readonly paths: readonly { readonly neighborIp: string }[];
  };
}

/** RFC 4271: the route is interior to the autonomous system. */
const ORIGIN_IGP = 0;

/**
 * Routes in gobgpd 3, over its gRPC API. They have no lease: gobgpd keeps them until they are withdrawn, or until
 * it ends.
 */
export class GobgpBackend implements RouteBackend {
  readonly name: string;
  readonly #api: GobgpApi;
  readonly #addresses: readonly string[];

  /** @param target `host:port` or `unix:/path` @param addresses canonical */
  constructor(target: string, addresses: readonly string[]) {
    this.name = `gobgpd at ${target}`;
    this.#api = new GobgpApi(target);
    this.#addresses = addresses;
  }

  async announced(): Promise<ReadonlySet<string>> {
    const families = Map.groupBy(this.#addresses, (address) => isIPv6(address));
    const lists = [...families.values()].map((addresses) => this.#listLocal(addresses));
    return new Set((await Promise.all(lists)).flat());
  }

  async announce(address: string): Promise<void> {
    await this.#api.call('AddPath', { path: pathTo(address) });
  }

  async withdraw(address: string): Promise<void> {
    await this.#api.call('DeletePath', { family: familyOf(address), path: pathTo(address) });
  }

  close(): void {
    this.#api.close();
  }

  /** Addresses of one family for which this gobgpd has a route of its own: others may announce them too. */
  async #listLocal(addresses: readonly string[]): Promise<string[]> {
    const prefixes = addresses.map((address) => ({ prefix: `${address}/${lengthOf(address)}` }));
    const family = familyOf(addresses[0] ?? '');
    const answers = await this.#api.listPath({ family, prefixes });
    return answers.flatMap((answer) => {
      const { destination } = answer as ListedPaths;
      // Routes that were not learnt from a neighbour show "<nil>" as the neighbour's address.
      const isLocal = destination?.paths.some(({ neighborIp }) => isIP(neighborIp) === 0);
      const octets = parseAddress(destination?.prefix.split('/')[0] ?? '');
      return isLocal && octets !== undefined ? [formatAddress(octets)] : [];
    });
  }
}

/** A route to one address whose next hop is this host. */
function pathTo(address: string): JsonObject {
  const nlri = any('IPAddressPrefix', { prefix: address, prefixLen: lengthOf(address) });
  const family = familyOf(address);
  const nextHop = isIPv6(address)
    ? any('MpReachNLRIAttribute', { family, nextHops: ['::'], nlris: [nlri] })
    : any('NextHopAttribute', { nextHop: '0.0.0.0' });
  return { nlri, family, pattrs: [any('OriginAttribute', { origin: ORIGIN_IGP }), nextHop] };
}

function any(type: string, fields: JsonObject): JsonObject {
  return { '@type': `type.googleapis.com/apipb.${type}`, ...fields };
}

function familyOf(address: string): JsonValue {
  return { afi: isIPv6(address) ? 'AFI_IP6' : 'AFI_IP', safi: 'SAFI_UNICAST' };
}

function lengthOf(address: string): number {
  return isIPv6(address) ? 128 : 32;
}
