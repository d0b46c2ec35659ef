import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * What a cable does with what is put into it.
 *
 * - `passes`: brings it to the other end.
 * - `stalls`: keeps it, connections too, until it passes again: like a network that loses every packet.
 * - `breaks`: resets every connection, also new ones.
 */
export type CableState = 'passes' | 'stalls' | 'breaks';

/** A TCP connection between two nodes that can be cut. */
export class Cable implements AsyncDisposable {
  readonly #server: Server;
  readonly #strands = new Set<Strand>();
  #farPort: number;
  #state: CableState = 'passes';
  /** Connections made so far. */
  made = 0;

  private constructor(farPort: number) {
    this.#farPort = farPort;
    this.#server = createServer((near) => this.#accept(near));
  }

  /** @param farPort where it leads */
  static async lay(farPort: number): Promise<Cable> {
    const cable = new Cable(farPort);
    await new Promise<void>((resolve) => cable.#server.listen(0, '127.0.0.1', resolve));
    return cable;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that the near end has open. */
  get open(): number {
    return [...this.#strands].filter(({ isNearOpen }) => isNearOpen).length;
  }

  leadTo(farPort: number): void {
    this.#farPort = farPort;
  }

  set state(state: CableState) {
    this.#state = state;
    for (const strand of this.#strands) this.#apply(strand);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.state = 'breaks';
    this.#server.close();
  }

  #accept(near: Socket): void {
    this.made += 1;
    const strand = new Strand(near, () => this.#strands.delete(strand));
    this.#strands.add(strand);
    this.#apply(strand);
  }

  #apply(strand: Strand): void {
    if (this.#state === 'breaks') strand.break();
    else if (this.#state === 'stalls') strand.stall();
    else strand.pass(this.#farPort);
  }
}

/** One connection. */
class Strand {
  readonly #near: Socket;
  readonly #forget: () => void;
  #far: Socket | undefined;
  #isStalled = true;
  /** What happened at the ends meanwhile, to be told when it passes. */
  #held: (() => void)[] = [];

  constructor(near: Socket, forget: () => void) {
    this.#near = near;
    this.#forget = forget;
    near.on('error', () => near.destroy());
    near.on('data', (bytes) => this.#carry(() => this.#far?.write(bytes)));
    near.on('close', () => this.#carry(() => this.break()));
  }

  get isNearOpen(): boolean {
    return !this.#near.destroyed;
  }

  stall(): void {
    this.#isStalled = true;
  }

  pass(farPort: number): void {
    this.#isStalled = false;
    this.#far ??= this.#reach(farPort);
    const held = this.#held;
    this.#held = [];
    for (const happen of held) happen();
  }

  break(): void {
    this.#forget();
    // In the middle of a shutdown Node fails to reset, and never closes the socket: its process cannot end.
    if (this.#near.writableEnded) this.#near.destroy();
    else this.#near.resetAndDestroy();
    this.#far?.destroy();
  }

  #reach(port: number): Socket {
    const far = connect({ host: '127.0.0.1', port });
    far.on('error', () => far.destroy());
    far.on('data', (bytes) => this.#carry(() => this.#near.write(bytes)));
    far.on('close', () => this.#carry(() => this.break()));
    return far;
  }

  #carry(happen: () => void): void {
    if (this.#isStalled) this.#held.push(happen);
    else happen();
  }
}
