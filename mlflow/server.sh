#!/usr/bin/env bash
# A tracking server for a team: runs and users in PostgreSQL, artifacts in a folder, a password for everybody.
#   MLFLOW_DATABASE    postgresql://mlflow:PASSWORD@127.0.0.1/mlflow (pip install "mlflow[auth]" psycopg2-binary)
#   MLFLOW_ARTIFACTS   folder of models and pictures
#   MLFLOW_ADMIN_PASSWORD, MLFLOW_FLASK_SERVER_SECRET_KEY   of the user admin, at the first start; signs forms, always
#   MLFLOW_HOST, MLFLOW_PORT   where to listen: 127.0.0.1 and 5000; put TLS in front of anything else
#   MLFLOW_SERVER_ALLOWED_HOSTS   names that clients may call it by, besides localhost and private addresses
set -euo pipefail
: "${MLFLOW_DATABASE:?names the database}" "${MLFLOW_ARTIFACTS:?names the folder of artifacts}"
: "${MLFLOW_ADMIN_PASSWORD:?is the password of the user admin}" "${MLFLOW_FLASK_SERVER_SECRET_KEY:?signs forms}"
umask 077  # the settings hold the database's password
mkdir -p "$MLFLOW_ARTIFACTS"
database=${MLFLOW_DATABASE/#postgresql:/postgresql+psycopg2:}
MLFLOW_AUTH_CONFIG_PATH=$(mktemp)
# Users live in the database too: what lies in the folder of artifacts, every user can download.
cat > "$MLFLOW_AUTH_CONFIG_PATH" <<SETTINGS
[mlflow]
default_permission = READ
database_uri = ${database//%/%%}
SETTINGS
# In the environment, not among the arguments, which everybody on the machine can read.
export MLFLOW_AUTH_CONFIG_PATH MLFLOW_BACKEND_STORE_URI=$database
export MLFLOW_AUTH_ADMIN_USERNAME=admin MLFLOW_AUTH_ADMIN_PASSWORD=$MLFLOW_ADMIN_PASSWORD
cd "$MLFLOW_ARTIFACTS"  # not where a folder called mlflow would hide the package
exec mlflow server --app-name basic-auth --serve-artifacts --artifacts-destination "$MLFLOW_ARTIFACTS" \
  --host "${MLFLOW_HOST:-127.0.0.1}" --port "${MLFLOW_PORT:-5000}"
