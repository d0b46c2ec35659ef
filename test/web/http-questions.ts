/** HTTP as programs in a namespace of the lab speak it. */
import { fileURLToPath } from 'node:url';
import { run } from '../lab/shell.ts';

export interface HttpQuestion {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HttpAnswer {
  /** 0: there was none. */
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly tookMs: number;
}

const AGENT = fileURLToPath(new URL('http-agent.ts', import.meta.url));

/** Asks one after the other. */
export async function ask(
  namespace: string,
  questions: readonly HttpQuestion[],
): Promise<HttpAnswer[]> {
  const command = ['ip', 'netns', 'exec', namespace, process.execPath, AGENT];
  return JSON.parse(await run(command, JSON.stringify(questions))) as HttpAnswer[];
}

/** Asks for one page. */
export async function get(namespace: string, url: string): Promise<HttpAnswer> {
  const [answer] = await ask(namespace, [{ url }]);
  if (answer === undefined) throw new Error('no answer');
  return answer;
}
