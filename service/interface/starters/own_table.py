"""A table of the user's: its columns, the one to predict, and how pandas reads it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.interface.starters.given_data import GivenData, counted_classes
from service.spec.errors import UserError, listing

if TYPE_CHECKING:
    import pandas as pd

MOST_CLASSES = 20
"""A column of whole numbers with more values than this is one of numbers, not of classes."""


def look(path: Path, target: str | None) -> GivenData:
    """What the table at ``path`` and its column ``target`` are.

    Raises:
        UserError: pandas cannot read it, there is no such column, or its classes cannot be split.
    """
    if not path.is_file():
        raise UserError(f"{str(path)!r} is a folder", "name a CSV or Parquet file")
    reader, options = _reader(path)
    table = _read(path, reader, options)
    if target is None or target not in table.columns:
        asked = f"no column {target!r}" if target is not None else "several columns, one of which is to be predicted"
        raise UserError(
            f"{str(path)!r} has {asked}: {listing(map(str, table.columns))}", "name one of them with --target COLUMN"
        )
    column = table[target].dropna()
    numbers = _is_number(column)
    if numbers:
        words = f"{len(column)} numbers to predict in the column {target!r} of {path}"
    else:
        words = counted_classes(
            column.astype(object).value_counts().to_dict(), f"values of the column {target!r} of {path}", "rows"
        )
    return GivenData(path.parent, words, path.name, target, numbers, reader, options)


def _reader(path: Path) -> tuple[str, str]:
    """The function of pandas that reads ``path``, and its arguments after the path, by the file's name and header."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in (".gz", ".bz2", ".xz", ".zip")]
    suffix = suffixes[-1] if suffixes else ""
    if suffix in (".parquet", ".pq"):
        return "read_parquet", ""
    if suffix == ".tsv":
        return "read_csv", r', sep="\t"'
    if suffix != ".csv":
        raise UserError(f"{path.name!r} is no table by its name", "name a file that ends in .csv, .tsv or .parquet")
    header = "".join(_read(path, "read_csv", ', sep="\\t"', nrows=0).columns)
    return "read_csv", ', sep=";"' if ";" in header and "," not in header else ""


def _read(path: Path, reader: str, options: str, **more: Any) -> pd.DataFrame:
    import pandas as pd

    separator = {"sep": options[len(', sep="') : -1].replace(r"\t", "\t")} if options else {}
    try:
        table: pd.DataFrame = getattr(pd, reader)(path, **separator, **more)
    except (ValueError, ImportError) as error:
        raise UserError(f"pandas cannot read {str(path)!r}: {error}", f"see that pandas.{reader} reads it") from error
    return table


def _is_number(column: pd.Series[Any]) -> bool:
    """Whether the values of ``column`` are to be predicted as numbers; else they are classes."""
    if column.dtype.kind not in "iuf":
        return False
    return bool((column % 1 != 0).any()) or column.nunique() > MOST_CLASSES
