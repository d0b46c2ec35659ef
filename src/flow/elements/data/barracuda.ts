/**
 * Elements of Barracuda (PEN 10704): id, name, type, as tshark 4.0.17 knows them.
 */
export const BARRACUDA_ELEMENTS = `
1 timestamp dateTimeSeconds
2 logOp unsigned8
3 trafficType unsigned8
4 fwRule string
5 serviceName string
6 reason unsigned32
7 reasonText string
8 bindIPv4Address ipv4Address
9 bindTransportPort unsigned16
10 connIPv4Address ipv4Address
11 connTransportPort unsigned16
12 auditCounter unsigned32
`;
