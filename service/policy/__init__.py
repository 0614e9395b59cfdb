"""Policy: searchers, schedulers, narrowing and sharing, as pure functions of plain data. No I/O, no clock."""
