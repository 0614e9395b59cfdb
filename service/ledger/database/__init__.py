"""One SQL database, SQLite or PostgreSQL: connection, schema, migrations, errors in words."""
