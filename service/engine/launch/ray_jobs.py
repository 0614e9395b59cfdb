"""Heads as Ray jobs, one for each running sweep: they live in the cluster, on any of its nodes."""

from __future__ import annotations

import os
import shlex
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus

import httpx
from ray.job_submission import JobStatus, JobSubmissionClient

from cluster.ray_internals.jobs import client
from cluster.token import headers
from service.engine.launch.launcher import IN_A_JOB, Launch, LaunchFailed

CPUS = 0.0
"""CPUs that a head reserves of those that trials share: it decides and writes, and trains nothing."""

OVERRIDE = "RAY_API_SERVER_ADDRESS"
"""Environment variable that Ray's client prefers to all else."""

TIMEOUT = 60.0
"""Seconds that the dashboard has to answer. Ray's own client waits for ever, and with it whoever asks."""

POLL = 1.0
LINE = 300

_LOCK = threading.Lock()


class RayJobs:
    """Starts each head as a job by the cluster's ``dashboard``, an HTTP address; an id is the job's submission id.

    The folder of the user's code is the job's working directory, which Ray brings to every node. The environment
    that the job shows holds no secret but the ticket, which is worthless as soon as the head has enrolled. ``python``
    is the interpreter on the cluster that has Sieve. Ray's token goes with each request where there is one, see
    `cluster.token`.
    """

    def __init__(self, dashboard: str, python: str = "python") -> None:
        self._dashboard = dashboard
        self._python = python
        self._known: JobSubmissionClient | None = None

    def start(self, launch: Launch) -> str:
        """Submit the job. Raises LaunchFailed."""
        try:
            return str(
                self._client().submit_job(
                    entrypoint=shlex.join([self._python, *launch.arguments]),
                    submission_id=launch.name,
                    runtime_env={"working_dir": str(launch.code), "env_vars": launch.environment | {IN_A_JOB: "1"}},
                    metadata={"name": launch.sweep, "owner": launch.owner, "page": launch.page},
                    entrypoint_num_cpus=CPUS,
                )
            )
        except Exception as error:  # Ray raises RuntimeError for any answer, requests' errors for none.
            if self.alive(launch.name):  # The answer to an earlier call was lost.
                return launch.name
            raise LaunchFailed(
                f"cannot start {launch.name} as a job at {self._dashboard}: {_line(error)}", "it is tried again"
            ) from error

    def alive(self, id: str) -> bool | None:
        """Whether the job is pending or runs; None while the dashboard does not answer, or not as one of Ray's.

        That it knows no such job is believed of a dashboard alone: a proxy without one behind it knows none either.
        """
        try:
            answer = self._get(f"/api/jobs/{id}")
            if answer.status_code == HTTPStatus.NOT_FOUND:
                return False if self._get("/api/version").is_success else None
            return not JobStatus(answer.raise_for_status().json()["status"]).is_terminal()
        except Exception:  # Of Ray's client, of httpx, or of what was answered.
            return None

    def stop(self, id: str) -> None:
        """Ask Ray to stop the job: it gets SIGTERM, and SIGKILL seconds later."""
        try:
            self._client().stop_job(id)
        except Exception as error:
            if self.alive(id) is not False:
                raise LaunchFailed(f"cannot stop job {id} at {self._dashboard}: {_line(error)}", "try again") from error

    def logs(self, id: str, follow: bool = False) -> Iterator[str]:
        """What the job's entrypoint has printed, and why Ray ended the job if it did."""
        told = 0
        while True:
            ended = not follow or self.alive(id) is False
            try:
                log = self._client().get_job_logs(id)
                status = self._client().get_job_info(id)
            except Exception:  # Neither a dead node nor a job that Ray has forgotten has logs.
                log, status = "", None
            if len(log) > told:
                yield log[told:]
                told = len(log)
            if ended:
                if status is not None and status.status == JobStatus.FAILED and status.message:
                    yield f"\nRay: {_line(status.message)}\n"
                return
            time.sleep(POLL)

    def _get(self, path: str) -> httpx.Response:
        """What the dashboard answers by Ray's documented REST API: Ray's client tells no status from another."""
        return httpx.get(self._client().get_address() + path, headers=headers(), timeout=TIMEOUT)

    def _client(self) -> JobSubmissionClient:
        with _LOCK:
            if self._known is None:
                before = os.environ.get(OVERRIDE)
                os.environ[OVERRIDE] = self._dashboard  # RAY_ADDRESS would be taken before the argument.
                try:
                    self._known = client(self._dashboard, headers(), TIMEOUT)
                finally:
                    os.environ.pop(OVERRIDE) if before is None else os.environ.update({OVERRIDE: before})
            return self._known


def _line(error: object) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:LINE] if lines else type(error).__name__
