#!/usr/bin/env bash
# A tracking server for a team: runs in PostgreSQL, artifacts in a folder, a password for everybody.
#   MLFLOW_DATABASE    postgresql://mlflow:PASSWORD@127.0.0.1/mlflow (pip install "mlflow[auth]" "psycopg[binary]")
#   MLFLOW_ARTIFACTS   folder of models and pictures
#   MLFLOW_ADMIN_PASSWORD, MLFLOW_FLASK_SERVER_SECRET_KEY   needed once, at the first start, and at every start
#   MLFLOW_HOST, MLFLOW_PORT   where to listen: 127.0.0.1 and 5000; put TLS in front of anything else
#   MLFLOW_SERVER_ALLOWED_HOSTS   names that clients may call it by, besides localhost and private addresses
set -euo pipefail
: "${MLFLOW_DATABASE:?names the database}" "${MLFLOW_ARTIFACTS:?names the folder of artifacts}"
: "${MLFLOW_ADMIN_PASSWORD:?is the password of the user admin}" "${MLFLOW_FLASK_SERVER_SECRET_KEY:?signs sessions}"
mkdir -p "$MLFLOW_ARTIFACTS"
umask 077
MLFLOW_AUTH_CONFIG_PATH=$(mktemp)
export MLFLOW_AUTH_CONFIG_PATH
cat > "$MLFLOW_AUTH_CONFIG_PATH" <<SETTINGS
[mlflow]
default_permission = READ
database_uri = ${MLFLOW_USERS:-sqlite:///$MLFLOW_ARTIFACTS/users.db}
admin_username = admin
admin_password = $MLFLOW_ADMIN_PASSWORD
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
SETTINGS
cd "$MLFLOW_ARTIFACTS"  # not where a folder called mlflow would hide the package
exec mlflow server --app-name basic-auth \
  --backend-store-uri "${MLFLOW_DATABASE/#postgresql:/postgresql+psycopg:}" \
  --serve-artifacts --artifacts-destination "$MLFLOW_ARTIFACTS" \
  --host "${MLFLOW_HOST:-127.0.0.1}" --port "${MLFLOW_PORT:-5000}"
