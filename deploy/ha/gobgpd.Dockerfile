# gobgpd 3 from Debian; its API on loopback only. Build: docker-compose.yml beside it.
FROM debian:bookworm-slim
RUN apt-get update \
	&& apt-get install -y --no-install-recommends gobgpd \
	&& rm -rf /var/lib/apt/lists/*
STOPSIGNAL SIGTERM
ENTRYPOINT ["gobgpd", "--config-file=/etc/gobgpd.conf", "--api-hosts=127.0.0.1:50051", "--pprof-disable"]
