/**
 * Elements of Gigamon (PEN 26866): id, name, type, as tshark 4.0.17 knows them.
 */
export const GIGAMON_ELEMENTS = `
1 httpReqUrl string
2 httpRspStatus unsigned16
101 sslCertificateIssuerCommonName string
102 sslCertificateSubjectCommonName string
103 sslCertificateIssuer string
104 sslCertificateSubject string
105 sslCertificateValidNotBefore string
106 sslCertificateValidNotAfter string
107 sslCertificateSerialNumber octetArray
108 sslCertificateSignatureAlgorithm octetArray
109 sslCertificateSubjectPubAlgorithm octetArray
110 sslCertificateSubjectPubKeySize unsigned16
111 sslCertificateSubjectAltName string
112 sslServerNameIndication string
113 sslServerVersion unsigned16
114 sslServerCipher unsigned16
115 sslServerCompressionMethod unsigned8
116 sslServerSessionId octetArray
201 dnsIdentifier unsigned16
202 dnsOpCode unsigned8
203 dnsResponseCode unsigned8
204 dnsQueryName string
205 dnsResponseName string
206 dnsResponseTTL unsigned32
207 dnsResponseIPv4Address ipv4Address
208 dnsResponseIPv6Address ipv6Address
209 dnsBits string
210 dnsQdCount unsigned16
211 dnsAnCount unsigned16
212 dnsNsCount unsigned16
213 dnsArCount unsigned16
214 dnsQueryType unsigned16
215 dnsQueryClass unsigned16
216 dnsResponseType unsigned16
217 dnsResponseClass unsigned16
218 dnsResponseRdLength unsigned16
219 dnsResponseRdata string
220 dnsAuthorityName string
221 dnsAuthorityType unsigned16
222 dnsAuthorityClass unsigned16
223 dnsAuthorityTTL unsigned32
224 dnsAuthorityRdLength unsigned16
225 dnsAuthorityRdata string
226 dnsAdditionalName string
227 dnsAdditionalType unsigned16
228 dnsAdditionalClass unsigned16
229 dnsAdditionalTTL unsigned32
230 dnsAdditionalRdLength unsigned16
231 dnsAdditionalRdata string
`;
