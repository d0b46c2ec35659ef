# The proxy. Build: docker compose build floxy. How it was tried: docs/installing.md, "Containers".

FROM node:24-bookworm AS build
WORKDIR /floxy
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
ARG FLOXY_COMMIT=unknown
RUN FLOXY_COMMIT="$FLOXY_COMMIT" npm run build
# What runs: production packages only. Node comes with the image, so not from npm; raw-socket is built for it.
RUN npm ci --omit=dev --omit=optional && npm run build:native

FROM node:24-bookworm-slim
# The proxy's user is not root: the capability for raw sockets comes with the program. Forwarders lose it
# again when they start.
RUN apt-get update \
	&& apt-get install -y --no-install-recommends libcap2-bin \
	&& setcap cap_net_raw=ep /usr/local/bin/node \
	&& apt-get purge -y --auto-remove libcap2-bin \
	&& rm -rf /var/lib/apt/lists/*
WORKDIR /floxy
COPY --from=build /floxy/package.json ./
COPY --from=build /floxy/node_modules node_modules
COPY --from=build /floxy/native/build/floxy_pio.node native/build/
COPY --from=build /floxy/dist dist
COPY --from=build /floxy/proto proto
COPY --from=build /floxy/bin bin
COPY --from=build /floxy/examples examples
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
ENV COLLECTOR_DATABASE_PATH=/data/collector.db
# A look takes 0.2 s of a processor.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["bin/floxy", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["bin/floxy"]
CMD ["serve"]
