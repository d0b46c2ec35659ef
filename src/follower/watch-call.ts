import { loadServices } from '../protocol/definitions.ts';
import type { RulesRevisionMessage, WatchRequest } from '../protocol/messages.ts';

/** How WatchProxyRules goes over the wire. */
export interface WatchCall {
  /** @param digest of the rules that need not be sent; undefined = send all */
  request(digest: string | undefined): { readonly path: string; readonly request: Buffer };
  /** @throws Error for bytes that are no such message */
  decode(bytes: Buffer): RulesRevisionMessage;
}

/** @throws Error when the protocol lacks the call */
export function loadWatchCall(): WatchCall {
  const method = loadServices().settings['WatchProxyRules'];
  if (method === undefined) throw new Error('the protocol has no WatchProxyRules');
  const { path, requestSerialize, responseDeserialize } = method;
  return {
    request: (digest) => {
      const request: WatchRequest = digest === undefined ? {} : { digest };
      return { path, request: requestSerialize(request) };
    },
    decode: (bytes) => responseDeserialize(bytes) as RulesRevisionMessage,
  };
}
