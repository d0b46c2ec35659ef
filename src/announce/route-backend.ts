/** What makes routes to the service addresses known to the network. */
export interface RouteBackend {
  /** For the log: which program, and where. */
  readonly name: string;
  /**
   * Which of the service addresses this host announces at present, whoever made it do so.
   *
   * @returns canonical addresses
   * @throws RouteError
   */
  announced(): Promise<ReadonlySet<string>>;
  /** Announces an address that is not announced. @throws RouteError */
  announce(address: string): Promise<void>;
  /** Withdraws an address that is announced. @throws RouteError */
  withdraw(address: string): Promise<void>;
  close(): void;
}

/** An expected failure of a backend: its message says what, where and what to do. */
export class RouteError extends Error {
  override readonly name = 'RouteError';
}
