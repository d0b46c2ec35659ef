/**
 * Rules as they come from outside: what the protobuf messages of proto/floxy.proto look like in memory.
 * Nothing here is checked yet; rules/canonicalise.ts does that.
 */
export interface EndpointInput {
  readonly host?: string | undefined;
  readonly octets?: Uint8Array | undefined;
  readonly port?: number | undefined;
}

export interface MemberInput {
  readonly endpoint?: EndpointInput | null | undefined;
}

export interface OutputInput {
  readonly collectors?: readonly MemberInput[] | undefined;
}

export interface RuleInput {
  readonly exporter?: MemberInput | null | undefined;
  readonly outputs?: readonly OutputInput[] | undefined;
}

export interface RuleSetInput {
  readonly rules?: readonly RuleInput[] | undefined;
  readonly defaultOutputs?: readonly OutputInput[] | undefined;
}
