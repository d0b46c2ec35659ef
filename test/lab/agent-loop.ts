/**
 * The inside of an agent: a small program that a test starts in a network namespace and asks to do
 * things there. Requests and answers are JSON, one a line, on stdin and stdout; answers may come in any
 * order. An agent ends when its stdin does, so none outlives the test that started it.
 */
export type Handler = (params: never) => unknown;

interface Request {
  readonly id: number;
  readonly method: string;
  readonly params: never;
}

/** Answers requests until stdin ends. */
export async function serveRequests(handlers: Readonly<Record<string, Handler>>): Promise<void> {
  process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
  for await (const line of lines(process.stdin)) {
    void answer(handlers, JSON.parse(line) as Request);
  }
  process.exit(0);
}

async function answer(
  handlers: Readonly<Record<string, Handler>>,
  request: Request,
): Promise<void> {
  const { id, method, params } = request;
  try {
    const handler = handlers[method];
    if (handler === undefined) throw new Error(`the agent has no method ${method}`);
    const result = (await handler(params)) ?? null;
    process.stdout.write(`${JSON.stringify({ id, result })}\n`);
  } catch (error) {
    const { message, ...properties } = error as Error;
    const line = JSON.stringify({
      id,
      error: { ...properties, message: message ?? String(error) },
    });
    process.stdout.write(`${line}\n`);
  }
}

/** Splits a stream into lines. Requests of tens of megabytes come in many chunks. */
export async function* lines(stream: NodeJS.ReadableStream): AsyncGenerator<string> {
  let parts: string[] = [];
  stream.setEncoding('utf8');
  for await (const chunk of stream) {
    const pieces = String(chunk).split('\n');
    const last = pieces.pop() ?? '';
    for (const piece of pieces) {
      parts.push(piece);
      yield parts.join('');
      parts = [];
    }
    parts.push(last);
  }
}
