/** What stands in errors of OpenSSL and Node.js, and what it means for whoever calls. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [
    /self[- ]signed certificate|unable to (get local issuer|verify the first) certificate/i,
    'Nobody vouches for the certificate of the API: name the authority that signed it (or the certificate itself) with --tls-ca.',
  ],
  [/certificate has expired/i, 'The certificate of the API has expired: it needs a new one.'],
  [
    /does not match certificate's altnames/i,
    'The certificate of the API is for another name: call it by that, or say which one it is with --tls-server-name.',
  ],
  [
    /wrong version number|packet length too long|no protocols available/i,
    'The API does not seem to speak TLS: leave out --tls and the options that imply it.',
  ],
  [
    /certificate required|handshake failure|bad certificate|unknown ca/i,
    'The API wants a certificate that it knows: --tls-certificate and --tls-key.',
  ],
];

/** What to do when there is no connection to an API. @param cause in the words of OpenSSL or Node.js */
export function connectionAdvice(cause: string, usesTls: boolean): string {
  const advice = usesTls ? ADVICE.find(([pattern]) => pattern.test(cause))?.[1] : undefined;
  if (advice !== undefined) return advice;
  const hint = usesTls || cause.includes('ECONNREFUSED') ? '' : ' Does it expect TLS (--tls-ca)?';
  return `Is \`floxy serve\` running there?${hint}`;
}
