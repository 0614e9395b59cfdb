"""The routes of heads on a real server, which can go away and come back at the same address."""

from __future__ import annotations

import socket
import threading
import time

import uvicorn
from fastapi import FastAPI

from service.interface.api.routes.heads import heads
from service.ledger.over_http.head_secret import digest
from service.ledger.store.store import Store

TICKET = "a-ticket"


class Service:
    """A server over ``store`` at ``address``, in a thread."""

    def __init__(self, store: Store) -> None:
        self.store = store
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.up()

    def up(self) -> None:
        app = FastAPI()
        app.include_router(heads(self.store))
        self._server = uvicorn.Server(uvicorn.Config(app, port=self.port, log_level="critical", access_log=False))
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def down(self) -> None:
        self._server.should_exit = True
        self._thread.join()

    def launch(self, name: str, attempt: int) -> str:
        """A ticket for a head."""
        self.store.heads.launched(name, attempt, None, digest(TICKET))
        return TICKET
