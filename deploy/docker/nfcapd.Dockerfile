# A collector: nfcapd of nfdump stores what arrives, by the exporter's address, in /flows.
FROM debian:bookworm-slim
RUN apt-get update \
	&& apt-get install -y --no-install-recommends nfdump \
	&& rm -rf /var/lib/apt/lists/* \
	&& mkdir /flows && chown nobody /flows
USER nobody
VOLUME /flows
ENTRYPOINT ["nfcapd"]
