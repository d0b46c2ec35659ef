/**
 * Elements of Plixer (PEN 13745): id, name, type, as tshark 4.0.17 knows them.
 */
export const PLIXER_ELEMENTS = `
100 clientIpV4 ipv4Address
101 clientHostname string
102 partnerName string
103 serverHostname string
104 serverIpV4 ipv4Address
105 recipientAddress string
106 eventId unsigned32
107 msgid string
108 priority unsigned32
109 recipientReportStatus unsigned32
110 numberRecipients unsigned32
111 originationTime dateTimeSeconds
112 encryption unsigned32
113 serviceVersion string
114 linkedMsgid string
115 messageSubject string
116 senderAddress string
117 dateTime dateTimeSeconds
118 clientIpV6 octetArray
119 serverIpV6 octetArray
120 sourceContext octetArray
121 connectorId octetArray
122 sourceComponent octetArray
124 relatedRecipientAddress octetArray
125 reference octetArray
126 returnPath octetArray
127 messageInfo octetArray
128 directionality octetArray
129 tenantId octetArray
130 originalClientIpV4 octetArray
131 originalServerIpV4 octetArray
132 customData octetArray
133 internalMessageId octetArray
`;
