/** What the API turns away, by cause: names in status and metrics, and what they mean. */
export const REJECTIONS = {
  credentials: 'calls with a token that is not in force, or by nobody who is known',
  role: 'calls that the role of their caller does not allow',
  tls: 'connections whose TLS handshake failed, such as those without a certificate that is wanted',
  silent: 'connections over which nothing came for too long',
  slow: 'connections whose client did not end a request, or did not read an answer',
  connections: 'connections that were closed because there were too many',
} as const;

export type RejectionCause = keyof typeof REJECTIONS;

/** Since the process started. */
export type RejectionCounts = Readonly<Record<RejectionCause, number>>;
