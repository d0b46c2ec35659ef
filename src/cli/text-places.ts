/** Words, and what can stand around them, in protobuf text. Everything else says nothing of its structure. */
const TOKENS = /#.*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[A-Za-z_]\w*|[{}<>[\]\n]/g;

/** A place in a message as the service names it: a repeated field of the message itself, and what is within. */
const PLACES = /\b(\w+)\[(\d+)\][\w.[\]]*/g;

/** Reads tokens, and notes on which lines the messages of each repeated field begin. */
class Beginnings {
  readonly lines = new Map<string, number[]>();
  #line = 1;
  #depth = 0;
  /** The field whose message comes next; empty when none is expected. */
  #field = '';
  /** Within `rules: [{…}, {…}]`. */
  #isList = false;

  take(token: string): void {
    if (token === '\n') this.#line++;
    else if (token === '{' || token === '<') this.#open();
    else if (token === '}' || token === '>') this.#depth--;
    else if (this.#depth === 0) this.#name(token);
  }

  #open(): void {
    if (this.#depth++ > 0) return;
    const lines = this.lines.get(this.#field);
    if (lines === undefined) this.lines.set(this.#field, [this.#line]);
    else lines.push(this.#line);
    if (!this.#isList) this.#field = '';
  }

  #name(token: string): void {
    if (token === '[' || token === ']') this.#isList = token === '[';
    else if (/^\w/.test(token)) this.#field = token;
  }
}

/**
 * Says of each place that an error names, such as `rules[3].exporter.endpoint.port`, on which line of the file its
 * rule begins.
 *
 * @param text protobuf text that was read without error
 */
export function withLines(error: string, file: string, text: string): string {
  const beginnings = new Beginnings();
  for (const [token] of text.matchAll(TOKENS)) beginnings.take(token);
  return error.replace(PLACES, (place, field: string, index: string) => {
    const line = beginnings.lines.get(field)?.[Number(index)];
    return line === undefined ? place : `${place} (${file}:${line})`;
  });
}
