/** Formats of records of sFlow: enterprise in the upper 20 bits, number in the lower twelve. */
export function enterpriseOf(format: number): number {
  return format >>> 12;
}

/** Flow records of sflow.org that have columns (sflow_version_5.txt, sflow_tunnels.txt, sflow_nat.txt). */
export const FLOW_RECORD = {
  header: 1,
  ethernet: 2,
  ipv4: 3,
  ipv6: 4,
  extendedSwitch: 1001,
  extendedRouter: 1002,
  extendedGateway: 1003,
  extendedMpls: 1006,
  extendedNat: 1007,
  extendedVlanTunnel: 1012,
  extendedWifiPayload: 1013,
  extendedNatPort: 1020,
} as const;
