#!/bin/sh
# Writes the secrets of docker-compose.yml to `.env`, readable by its owner only. Existing secrets stay, because the stores keep
# the passwords of their first start; the script can run any number of times.
set -eu
umask 077
cd "$(dirname "$0")/.."

touch .env
chmod 600 .env
for name in JWT_SECRET POSTGRES_PASSWORD REDIS_PASSWORD \
  SYNCLINE_MIGRATE_PASSWORD SYNCLINE_INGEST_PASSWORD SYNCLINE_CONFLICT_PASSWORD SYNCLINE_WORKER_PASSWORD; do
  if grep -q "^$name=." .env; then continue; fi
  secret=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
  echo "$name=$secret" >>.env
done
echo "The secrets are in $(pwd)/.env."
