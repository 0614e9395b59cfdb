"""Where sweeps are: in a home on this machine, or with a service at an address. Verbs and handles ask only for this."""

from __future__ import annotations

from service.interface.source.source import TABLES, Event, Look, Source, Standing, Table

__all__ = ["TABLES", "Event", "Look", "Source", "Standing", "Table"]
