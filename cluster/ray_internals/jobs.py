"""Ray's client of jobs, with an end to its patience."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.ray_internals.absence import excused

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient


def client(address: str, headers: dict[str, str], timeout: float) -> JobSubmissionClient:
    """A client of the dashboard at ``address`` that waits ``timeout`` seconds for each answer; Ray's waits for ever.

    So does this one where Ray lacks `JobSubmissionClient._do_request`, by which all its requests go.
    """
    from ray.job_submission import JobSubmissionClient

    kind = JobSubmissionClient
    with excused("whether the dashboard answers in time"):
        kind = _limited(JobSubmissionClient, timeout)
    return kind(address, headers=headers)


def _limited(kind: Any, timeout: float) -> Any:
    ask = kind._do_request

    class Limited(kind):
        def _do_request(self, method: str, endpoint: str, **options: Any) -> Any:
            return ask(self, method, endpoint, **{"timeout": timeout} | options)

    return Limited
