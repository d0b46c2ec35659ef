import type { RowFormatKind } from '../model/format.ts';
import { csvFormat } from './csv.ts';
import { jsonFormat } from './json.ts';
import { nativeFormat } from './native.ts';
import { noneFormat } from './none.ts';
import { protobufFormat } from './protobuf.ts';

/** The formats that are written from rows, by name. (vFlow's JSON is written from datagrams.) */
export const ROW_FORMATS: ReadonlyMap<string, RowFormatKind<unknown>> = new Map(
  [csvFormat, jsonFormat, nativeFormat, noneFormat, protobufFormat].map((kind) => [
    kind.name,
    kind,
  ]),
);
