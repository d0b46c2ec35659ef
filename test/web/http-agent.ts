/** Runs in a namespace: asks for the pages that standard input names, one after the other, and prints what came. */
import { json } from 'node:stream/consumers';
import type { HttpAnswer, HttpQuestion } from './http-questions.ts';

const questions = (await json(process.stdin)) as readonly HttpQuestion[];
const answers: HttpAnswer[] = [];
for (const { url, method = 'GET', headers = {} } of questions) {
  const startMs = performance.now();
  const answer = await fetch(url, { method, headers }).catch(() => undefined);
  const body = (await answer?.text()) ?? '';
  answers.push({
    status: answer?.status ?? 0,
    type: answer?.headers.get('content-type') ?? '',
    body,
    tookMs: performance.now() - startMs,
  });
}
process.stdout.write(JSON.stringify(answers));
