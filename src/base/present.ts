/** Every field can be absent. */
type Partly<T> = { readonly [Name in keyof T]-?: T[Name] | undefined };

/** An object of the fields that are there. */
export function present<T extends object>(fields: Partly<T>): Partial<T> {
  const known = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as Partial<T>;
}
