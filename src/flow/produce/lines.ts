import type { EncodedBatch } from '../model/encoded-batch.ts';

const NEWLINE = 10;

/** All messages, each with a newline behind it. One that ends in a newline, such as a CSV row, gets no other. */
export function lines({ bytes, ends }: EncodedBatch): Buffer {
  const text = Buffer.allocUnsafe(bytes.length + ends.length);
  let at = 0;
  let begin = 0;
  for (const end of ends) {
    bytes.copy(text, at, begin, end);
    at += end - begin;
    if (end === begin || bytes[end - 1] !== NEWLINE) text[at++] = NEWLINE;
    begin = end;
  }
  return text.subarray(0, at);
}
