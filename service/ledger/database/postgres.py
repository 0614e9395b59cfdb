"""PostgreSQL: row locks for writers; read-only REPEATABLE READ transactions for readers."""

from __future__ import annotations

from sqlalchemy import URL, Connection, Engine, create_engine, text

MIGRATION = 0x5349455645
"""The key of the advisory lock around migrations of the schema."""

SETTINGS = "-c lock_timeout=30s -c timezone=UTC"
TIMEOUTS = {"connect_timeout": 10, "tcp_user_timeout": 30_000}
"""Seconds to connect, and milliseconds after which a server that acknowledges nothing is given up."""


def engine(url: URL) -> Engine:
    """An engine whose connections are tried before they are used, so that a restarted server is noticed."""
    given = {name: value for name, value in TIMEOUTS.items() if name not in url.query}
    options = f"{SETTINGS} {url.query.get('options', '')}".strip()
    return create_engine(
        url.update_query_dict({"options": options}),
        connect_args={"application_name": "sieve"} | given,
        pool_pre_ping=True,
        max_overflow=27,  # with the pool's own 5: fewer than the 40 threads of a web server would wait
    )


def lock_schema(connection: Connection) -> None:
    """Hold the schema until the transaction ends: of several processes that start at once, one migrates."""
    connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": MIGRATION})
