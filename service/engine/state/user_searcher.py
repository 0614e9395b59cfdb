"""Searchers of the user's own: found in the project's folder, and tried once before a sweep exists."""

from __future__ import annotations

from typing import Any

from service.policy import search
from service.spec import Spec
from service.spec.errors import UserError


def foreign(spec: Spec, project: str) -> Any | None:
    """The class that ``search.algorithm`` names as ``module:Class``; None for a searcher that comes with Sieve.

    Raises:
        UserError: it cannot be imported from the folder ``project``, or is not there.
    """
    if spec.search.algorithm in search.SEARCHERS:
        return None
    from trainables.errors import TaskError
    from trainables.worker.resolve import find

    try:
        return find(spec.search.algorithm, project, "searcher")
    except TaskError as error:
        raise UserError(error.message, error.cure) from error


def check(spec: Spec, project: str) -> None:
    """See that a searcher of the user's own can be had and proposes a config of the space.

    Raises:
        UserError: it cannot.
    """
    kind = foreign(spec, project)
    if kind is None:
        return
    try:
        search.create(spec, kind).propose(1, [])
    except search.NotYet as error:
        name = spec.search.algorithm
        raise UserError(f"{name} suggests nothing for the first trial", "let it suggest a config") from error
