import type { RowFormatKind } from '../model/format.ts';
import { jsonFormat } from './json.ts';

/** The formats that are written from rows, by name. (vFlow's JSON is written from datagrams.) */
export const ROW_FORMATS: ReadonlyMap<string, RowFormatKind<unknown>> = new Map(
  [jsonFormat].map((kind) => [kind.name, kind]),
);
