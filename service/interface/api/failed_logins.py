"""Failed authentications by client address, to limit the rate at which secrets can be tried."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

ALLOWED = 10
WINDOW = 60.0
MOST = 10_000


class FailedLogins:
    """Counts failures per address over the last minute; remembers 10 000 addresses, those that failed last.

    A token that is right is let in all the same: many people share an address, and one with an old token must not lock
    out the others.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def note(self, address: str) -> float | None:
        """One more failure; the seconds until the next try where there were more than 10 in a minute, else None."""
        now = self._clock()
        with self._lock:
            times = self._times.setdefault(address, deque(maxlen=ALLOWED + 1))
            self._times.move_to_end(address)
            while times and now - times[0] >= WINDOW:
                times.popleft()
            times.append(now)
            if len(self._times) > self._most:
                self._times.popitem(last=False)
            return None if len(times) <= ALLOWED else times[0] + WINDOW - now
