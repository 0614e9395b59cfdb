"""The command line ``sieve``. Ray, torch and pandas are imported by the verbs that need them, when they run."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

import click

from service.engine.control.interruption import INTERRUPTED
from service.interface.terminal.verb_group import Group
from service.interface.verbs import (
    change,
    check,
    cluster,
    context,
    export,
    look,
    publish,
    quota,
    run,
    serve,
    simulate,
    space,
    submit,
    token,
)

if TYPE_CHECKING:
    from service.spec.errors import SieveError


class Verbs(Group):
    """The verbs: prints errors meant for people as one line and exits with their code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return self._invoke(ctx)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(INTERRUPTED)

    def _invoke(self, ctx: click.Context) -> Any:
        from service.spec.errors import SieveError

        try:
            return super().invoke(ctx)
        except SieveError as error:
            self._refuse(ctx, error)
        except ModuleNotFoundError as error:
            from service.spec.extras import missing

            told = missing(error, f"sieve {ctx.invoked_subcommand}")
            if told is None:
                raise
            self._refuse(ctx, told)

    @staticmethod
    def _refuse(ctx: click.Context, error: SieveError) -> None:
        click.echo(f"error: {error}", err=True)
        ctx.exit(error.exit_code)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="raysieve", prog_name="sieve")
def main() -> None:
    """Hyperparameter sweeps that climb from coarse to fine.

    \b
    Exit codes: 0 done, 1 the sweep failed or the service does not answer, 2 a mistake in the input, 130 interrupted.
    """
    if _writes_to_a_file():
        from service.interface.code_package.outputs import remember_redirects

        remember_redirects()


def _writes_to_a_file() -> bool:
    """Whether a shell redirected an output of this process to a file; looked at here, as importing takes time."""
    try:
        return any(stat.S_ISREG(os.fstat(stream).st_mode) for stream in (1, 2))
    except OSError:  # a stream is closed
        return False


for _verb in (
    *run.VERBS,
    *check.VERBS,
    *simulate.VERBS,
    *submit.VERBS,
    *look.VERBS,
    *space.VERBS,
    *export.VERBS,
    *publish.VERBS,
    *change.VERBS,
    *context.VERBS,
    *serve.VERBS,
    *token.VERBS,
    *quota.VERBS,
    *cluster.VERBS,
):
    main.add_command(_verb)
