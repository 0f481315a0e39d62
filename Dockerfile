# The images of Syncline, one target each: ingest, conflict, worker, migrate. NODE_IMAGE must have bash; Alpine's has none.
#   docker build --target worker --tag syncline-worker .
ARG NODE_IMAGE=node:24-bookworm-slim

# Only the files that npm reads, so that a change of the code leaves the installs below cached.
FROM ${NODE_IMAGE} AS manifests
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY libs/shared/package.json libs/shared/
COPY libs/kit/package.json libs/kit/
COPY libs/lanes/package.json libs/lanes/
COPY libs/store/package.json libs/store/
COPY libs/client/package.json libs/client/
COPY services/ingest/package.json services/ingest/
COPY services/conflict/package.json services/conflict/
COPY services/worker/package.json services/worker/
COPY stack/package.json stack/
COPY examples/mdn/package.json examples/mdn/

FROM manifests AS build
RUN npm ci --include-workspace-root \
  -w @syncline/shared -w @syncline/kit -w @syncline/lanes -w @syncline/store \
  -w @syncline/ingest -w @syncline/conflict -w @syncline/worker
COPY tsconfig.base.json ./
COPY scripts scripts
COPY libs libs
COPY services services
RUN npx tsc -b services/ingest services/conflict services/worker && node scripts/copy-assets.mjs

FROM manifests AS production
# Removes files for compilers and debuggers: unused at run time, they would be a third of the image.
RUN npm ci --omit=dev -w @syncline/ingest -w @syncline/conflict -w @syncline/worker \
  && find node_modules -type f -regex '.*\.\(map\|d\.[cm]?ts\)' -delete \
  && rm -r stack examples package-lock.json .npmrc

FROM ${NODE_IMAGE} AS runtime
WORKDIR /app
ENV NODE_ENV=production
COPY --from=production /app ./
COPY --from=build /app/libs/shared/dist libs/shared/dist
COPY --from=build /app/libs/kit/dist libs/kit/dist
COPY --from=build /app/libs/lanes/dist libs/lanes/dist
COPY --from=build /app/libs/store/dist libs/store/dist
COPY migrations migrations
# Root owns the files: the process only reads them.
USER node

FROM runtime AS migrate
CMD ["node", "libs/store/dist/migrate-main.js"]

FROM runtime AS service
# Runs in bash, because starting Node for each check costs far more CPU. A busy service answers late and is still healthy.
HEALTHCHECK --interval=10s --timeout=20s --start-period=120s --retries=6 \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/$PORT && printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]

FROM service AS ingest
ENV PORT=3000
EXPOSE 3000
COPY --from=build /app/services/ingest/dist services/ingest/dist
CMD ["node", "services/ingest/dist/main.js"]

FROM service AS conflict
ENV PORT=3001
EXPOSE 3001
COPY --from=build /app/services/conflict/dist services/conflict/dist
CMD ["node", "services/conflict/dist/main.js"]

FROM service AS worker
ENV PORT=3002
EXPOSE 3002
COPY --from=build /app/services/worker/dist services/worker/dist
CMD ["node", "services/worker/dist/main.js"]
