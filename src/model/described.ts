/** A name and what people say of it: `192.0.2.1 (core router Berlin)`. */
export function described(name: string, description: string | undefined): string {
  return description === undefined ? name : `${name} (${description})`;
}
