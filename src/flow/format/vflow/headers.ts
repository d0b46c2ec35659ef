import type { MessageHeader } from '../../decode/record-consumer.ts';
import { putUint } from '../digits.ts';
import { type Literal, makeLiteral, putLiteral } from '../literal.ts';

type Part = readonly [before: Literal, value: (header: MessageHeader) => number];

/** What stands behind the agent's address, up to the first record. */
export interface HeaderPlan {
  readonly parts: readonly Part[];
  readonly after: Literal;
  readonly room: number;
}

/** Headers by version of the protocol, with the keys and in the order that vFlow has. */
export const HEADERS: Readonly<Record<5 | 9 | 10, HeaderPlan>> = {
  5: plan('Flows', {
    Version: () => 5,
    Count: ({ count }) => count,
    SysUpTimeMSecs: ({ sysUptime }) => sysUptime,
    UNIXSecs: ({ exportSeconds }) => exportSeconds,
    UNIXNSecs: ({ exportNanoseconds }) => exportNanoseconds,
    SeqNum: ({ sequence }) => sequence,
    EngType: ({ domain }) => domain >>> 8,
    EngID: ({ domain }) => domain & 0xff,
    SmpInt: ({ sampling }) => sampling,
  }),
  9: plan('DataSets', {
    Version: () => 9,
    Count: ({ count }) => count,
    SysUpTime: ({ sysUptime }) => sysUptime,
    UNIXSecs: ({ exportSeconds }) => exportSeconds,
    SeqNum: ({ sequence }) => sequence,
    SrcID: ({ domain }) => domain,
  }),
  10: plan('DataSets', {
    Version: () => 10,
    Length: ({ length }) => length,
    ExportTime: ({ exportSeconds }) => exportSeconds,
    SequenceNo: ({ sequence }) => sequence,
    DomainID: ({ domain }) => domain,
  }),
};

function plan(
  records: string,
  values: Readonly<Record<string, (header: MessageHeader) => number>>,
): HeaderPlan {
  const parts = Object.entries(values).map(([key, value], i): Part => {
    const before = i === 0 ? '","Header":{' : ',';
    return [makeLiteral(`${before}"${key}":`), value];
  });
  const after = makeLiteral(`},"${records}":[`);
  return { parts, after, room: parts.length * 64 + 64 };
}

/** @returns where the next octet goes */
export function putHeader(
  out: DataView,
  at: number,
  { parts, after }: HeaderPlan,
  header: MessageHeader,
): number {
  let next = at;
  for (const [before, value] of parts) {
    next = putUint(out, putLiteral(out, next, before), value(header));
  }
  return putLiteral(out, next, after);
}
