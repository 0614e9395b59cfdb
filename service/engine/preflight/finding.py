"""A finding: one line of a check, with its evidence and, unless all is well, the cure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """``name`` is what was looked at, ``evidence`` what was seen, in numbers; ``cure`` is empty if all is well."""

    level: Level
    name: str
    evidence: str
    cure: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.evidence}" + (f"; {self.cure}" if self.cure else "")


@dataclass(frozen=True)
class Report:
    """All findings of a check, in order. True where nothing failed."""

    findings: tuple[Finding, ...]

    def __bool__(self) -> bool:
        return not self.failures

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __str__(self) -> str:
        return "\n".join(f"{finding.level:4}  {finding}" for finding in self.findings)

    @property
    def failures(self) -> tuple[Finding, ...]:
        """The findings of level ``fail``."""
        return tuple(finding for finding in self.findings if finding.level == "fail")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings of level ``warn``."""
        return tuple(finding for finding in self.findings if finding.level == "warn")

    def _repr_html_(self) -> str:
        """A table with a row per finding, for a notebook."""
        import pandas as pd

        with pd.option_context("display.max_colwidth", None):  # else long texts are cut
            return str(self.frame().to_html(index=False))

    def rows(self) -> list[dict[str, Any]]:
        """A row per finding: level, name, evidence, cure."""
        return [asdict(finding) for finding in self.findings]

    def frame(self) -> pd.DataFrame:
        """`rows` as a DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.rows(), columns=["level", "name", "evidence", "cure"])
