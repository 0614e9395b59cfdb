"""The command line ``sieve``. Ray, torch and pandas are imported by the verbs that need them, when they run."""

from __future__ import annotations

from typing import Any

import click

from service.interface.verbs import change, check, cluster, export, look, publish, run, simulate, space

INTERRUPTED = 130


class Verbs(click.Group):
    """The verbs: prints errors meant for people as one line and exits with their code."""

    def invoke(self, ctx: click.Context) -> Any:
        from service.spec.errors import SieveError

        try:
            return super().invoke(ctx)
        except SieveError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(INTERRUPTED)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            from service.spec.errors import nearest

            ctx.fail(f"there is no verb {args[0]!r}{nearest(args[0], self.list_commands(ctx))}; see sieve --help")
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="raysieve", prog_name="sieve")
def main() -> None:
    """Hyperparameter sweeps that climb from coarse to fine.

    \b
    Exit codes: 0 done, 1 the sweep failed, 2 a mistake in the input, 130 interrupted.
    """


for _verb in (
    *run.VERBS,
    *check.VERBS,
    *simulate.VERBS,
    *look.VERBS,
    *space.VERBS,
    *export.VERBS,
    *publish.VERBS,
    *change.VERBS,
    *cluster.VERBS,
):
    main.add_command(_verb)
