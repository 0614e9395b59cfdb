"""The spool of a head: a durable FIFO queue of undelivered messages."""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from service.ledger.store.store import DiskFull


class Spool:
    """Messages in ``folder``, a file each: what `put` returned from survives the process and the machine's power.

    A message is its kind and its body. One process uses a folder at a time, and reads once what is in it: a night's
    messages are tens of thousands.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __len__(self) -> int:
        return len(self._files)

    def put(self, kind: str, body: bytes) -> None:
        """Add a message at the end. Raises DiskFull."""
        number = int(self._files[-1].name.partition("-")[0]) + 1 if self._files else 0
        hidden = self.folder / f".{number}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with hidden.open("wb") as out:
                out.write(body)
                out.flush()
                os.fsync(out.fileno())
            self._files.append(hidden.rename(self.folder / f"{number:010d}-{kind}"))
            self._sync()
        except OSError as error:
            with suppress(OSError):
                hidden.unlink(missing_ok=True)
            raise DiskFull(
                f"the service is away, and what it is to be told cannot be kept in {self.folder}: {error.strerror}",
                "free some space, and see that the service runs",
            ) from error

    def first(self) -> tuple[str, bytes] | None:
        """The oldest message; None if there is none."""
        return (self._files[0].name.partition("-")[2], self._files[0].read_bytes()) if self._files else None

    def drop(self) -> None:
        """Forget the oldest message: it is delivered."""
        self._files.popleft().unlink()
        self._sync()

    def refuse(self) -> None:
        """Lay the oldest message aside: the service will never take it."""
        refused = self._files.popleft()
        refused.rename(self.folder / f".refused-{refused.name}")

    def close(self) -> None:
        """Remove the folder if nothing is left in it, and the one that it is in likewise."""
        with suppress(OSError):
            self.folder.rmdir()
            self.folder.parent.rmdir()

    @cached_property
    def _files(self) -> deque[Path]:
        return deque(sorted(self.folder.glob("[0-9]*-*")))

    def _sync(self) -> None:
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
