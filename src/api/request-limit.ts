import type { MethodDefinition } from '@grpc/grpc-js';

/** Requests of the helper services (health, reflection) hold a name or two. */
const MAX_HELPER_REQUEST_BYTES = 4096;

/**
 * A method that takes small requests only. The limit of the server as a whole is made for large rule
 * sets: the answer to a bad request repeats the request, and a stream can bring any number of them.
 */
export function limitRequests<Request, Response>(
  method: MethodDefinition<Request, Response>,
): MethodDefinition<Request, Response> {
  return {
    ...method,
    requestDeserialize: (bytes) => {
      if (bytes.length > MAX_HELPER_REQUEST_BYTES) {
        throw new Error(`request of ${bytes.length} bytes, at most ${MAX_HELPER_REQUEST_BYTES}`);
      }
      return method.requestDeserialize(bytes);
    },
  };
}
