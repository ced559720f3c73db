"""Configuration of the Superset that bi/superset.sh and docker-compose.yml start. Everything that differs between
the two comes from the environment, and so do all secrets."""

import os

SECRET_KEY = os.environ["SUPERSET_SECRET_KEY"]
# Superset's own tables. In SQLite it could not register two views of one name.
SQLALCHEMY_DATABASE_URI = os.environ["SUPERSET_METADATA_URI"]
# Superset refuses files of SQLite unless this is off. Whoever may add a database can then open any file of the server.
PREVENT_UNSAFE_DB_CONNECTIONS = os.environ.get("SUPERSET_ALLOW_SQLITE") != "true"
# A dashboard of a dozen charts and a few readers: the memory of the process is enough.
RATELIMIT_STORAGE_URI = "memory://"
