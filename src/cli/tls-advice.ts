/** What stands in errors of OpenSSL and Node.js, and what it means for whoever calls. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [
    /self[- ]signed certificate|unable to (get local issuer|verify the first) certificate/i,
    'nobody vouches for the certificate of the API: name the authority that signed it (or the certificate itself) with --tls-ca',
  ],
  [/certificate has expired/i, 'the certificate of the API has expired: it needs a new one'],
  [
    /does not match certificate's altnames/i,
    'the certificate of the API is for another name: call it by that, or say which one it is with --tls-server-name',
  ],
  [
    /wrong version number|packet length too long|no protocols available/i,
    'the API does not seem to speak TLS: leave out --tls and the options that imply it',
  ],
  [
    /certificate required|handshake failure|bad certificate|unknown ca/i,
    'the API wants a certificate that it knows: --tls-certificate and --tls-key',
  ],
];

/** What to do about an error of TLS; undefined when it is none that is known. */
export function tlsAdvice(error: string): string | undefined {
  return ADVICE.find(([pattern]) => pattern.test(error))?.[1];
}
