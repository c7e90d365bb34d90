# The exporter for a PostgreSQL of your own: docker build -t model-health-exporter . ; docker run -e DATABASE_URL=... -p 9477:9477 model-health-exporter
FROM node:22-slim AS build
WORKDIR /source
COPY package.json package-lock.json ./
COPY exporter/package.json exporter/
COPY dashboards/package.json dashboards/
COPY alerting-rules/package.json alerting-rules/
RUN npm ci --ignore-scripts --workspace model-health-exporter --include-workspace-root
COPY tsconfig.json ./
COPY exporter exporter
COPY scripts/revision.mjs scripts/
# docker build --build-arg REVISION=$(git rev-parse HEAD): the repository itself stays outside.
ARG REVISION=
RUN npm run build && npm pack --workspace model-health-exporter --pack-destination /

FROM node:22-slim
WORKDIR /app
COPY --from=build /model-health-exporter-*.tgz /tmp/
# The embedded PostgreSQL is left out: a container has no data path that lasts.
RUN npm install --no-save --omit=dev --omit=optional --ignore-scripts /tmp/model-health-exporter-*.tgz && rm /tmp/*.tgz && npm cache clean --force
USER 10001:10001
EXPOSE 9477
HEALTHCHECK --interval=15s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9477/-/healthy').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Beyond loopback the exporter wants tokens, a web configuration, or to be told that anyone may: see docs/how-to/kubernetes.md.
ENTRYPOINT ["node", "/app/node_modules/model-health-exporter/dist/src/main.js", "--web.listen-address=0.0.0.0:9477"]
