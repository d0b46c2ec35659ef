/** Shapes of JSON that comes from another process, which may say anything. */

/** Whether a value is of a shape. */
export type Shape<T> = (value: unknown) => value is T;

export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): Shape<number> {
  return (value): value is number =>
    typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}

export function text(maxLength: number): Shape<string> {
  return (value): value is string => typeof value === 'string' && value.length <= maxLength;
}

export function list<T>(item: Shape<T>, maxLength: number): Shape<readonly T[]> {
  return (value): value is readonly T[] =>
    Array.isArray(value) && value.length <= maxLength && value.every(item);
}

export function optional<T>(item: Shape<T>): Shape<T | undefined> {
  return (value): value is T | undefined => value === undefined || item(value);
}

/** Others than these members may be there. */
export function object<T extends object>(
  members: {
    readonly [Key in keyof T]-?: Shape<T[Key]>;
  },
): Shape<T> {
  const shapes = Object.entries<Shape<unknown>>(members);
  return (value): value is T =>
    typeof value === 'object' &&
    value !== null &&
    shapes.every(([key, isOfShape]) => isOfShape((value as Record<string, unknown>)[key]));
}

/** @throws SyntaxError when it is not JSON, Error when it is of another shape */
export function parse<T>(json: string, isOfShape: Shape<T>): T {
  const value: unknown = JSON.parse(json);
  if (!isOfShape(value)) throw new Error('what it says of itself is not understood');
  return value;
}
