/** What helps when copies cannot be sent, by errno: in the log, and in the table of losses in docs/operating.md. */
const ADVICE = [
  { codes: ['ENETUNREACH', 'EHOSTUNREACH'], advice: 'a route to the collector' },
  { codes: ['EPERM'], advice: 'a firewall of this host' },
  {
    codes: ['EACCES', 'EINVAL'],
    advice:
      'a route of this host that forbids or drops what goes there (`ip route get`), or a source address that may not leave a host',
  },
  { codes: ['EMSGSIZE'], advice: 'the datagram does not fit the protocol, or the MTU is tiny' },
  {
    codes: ['EAFNOSUPPORT'],
    advice: 'this host lacks IPv4 or IPv6, or had no permission for raw sockets of it',
  },
  {
    codes: ['EAGAIN'],
    advice:
      'the send buffer was full for too long: a faster link, a larger `COLLECTOR_FLOXY_SEND_BUFFER_BYTES`',
  },
] as const;

/** All of it in one sentence. */
export const SEND_ERRORS_ADVICE = ADVICE.map(
  ({ codes, advice }) => `${codes.map((code) => `\`${code}\``).join(', ')}: ${advice}`,
).join('; ');

/** @param code such as `ENETUNREACH`. @returns undefined for one that is not expected */
export function sendErrorAdvice(code: string): string | undefined {
  return ADVICE.find(({ codes }) => codes.some((known) => known === code))?.advice;
}
