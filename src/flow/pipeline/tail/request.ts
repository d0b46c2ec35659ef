/** What somebody wants to see of the flow that passes through. Sent to workers as it is. */
export interface TailRequest {
  /** Tells it from others. */
  readonly id: number;
  /** Addresses or prefixes of exporters; none = all. */
  readonly exporters: readonly string[];
  /** Source or destination is in one of them; none = all. */
  readonly addresses: readonly string[];
  /** Source or destination port; none = all. */
  readonly ports: readonly number[];
  /** IP protocols; none = all. */
  readonly protocols: readonly number[];
  readonly recordsPerSecond: number;
}

/** What a worker found. */
export interface TailedRecords {
  readonly id: number;
  /** As the format `json` writes them. */
  readonly records: readonly string[];
  /** Wanted, but not sent since the last message. */
  readonly skipped: number;
}
