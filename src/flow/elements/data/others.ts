/** Elements of vendors with few of them: id, name, type, as their documentation has them. */

/** Nokia (PEN 637), NAT logs of the 7750 SR. */
export const NOKIA_ELEMENTS = `
91 aluInsideServiceId unsigned16
92 aluOutsideServiceId unsigned16
93 aluNatSubString string
`;

/** Huawei (PEN 2011). */
export const HUAWEI_ELEMENTS = `
1 ingressGponGemPortId unsigned16
2 egressGponGemPortId unsigned16
`;
