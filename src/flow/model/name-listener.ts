/** Hears names that exporters tell of themselves in options data. Never throws, never waits. */
export interface NameListener {
  /**
   * An interface has a name.
   *
   * @param exporter four words, as column `samplerAddress` has them; its memory is the caller's again afterwards
   * @param index of the interface, as flow records have it
   * @param name interfaceName (82), empty when it was not told
   * @param description interfaceDescription (83), empty when it was not told
   */
  interfaceNamed(exporter: Uint32Array, index: number, name: string, description: string): void;
}
