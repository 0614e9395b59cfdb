"""The service of a ledger as the tests of clients have it: the real one, with a token that is known."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import update

from service.interface.api import app
from service.interface.api.service_settings import ServiceSettings
from service.ledger.database.tables import tokens
from service.ledger.home import open_store
from service.ledger.store.tokens import digest

TOKEN = "the-secret"
LOG = ("the head began", "trial 1 goes on")


def create_app(home: Path) -> FastAPI:
    """The service of the ledger in ``home``, whose admin ``ann`` has `TOKEN`."""
    store = open_store(home, create=True)
    store.tokens.create("ann", "admin")
    with store.database.write() as connection:
        connection.execute(update(tokens).values(hash=digest(TOKEN)))
    text = "".join(f"{line}\n" for line in LOG)
    return app.create_app(ServiceSettings(store, home, logs=lambda _: iter([text]), interval=0.1))
