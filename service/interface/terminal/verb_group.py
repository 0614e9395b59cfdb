"""A ``click.Group`` with suggestions for misspelt verbs."""

from __future__ import annotations

import click


class Group(click.Group):
    """Lists its verbs in the order they were added; an unknown one is an error with the nearest."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            from service.spec.errors import nearest

            hint = nearest(args[0], self.list_commands(ctx))
            ctx.fail(f"there is no verb {args[0]!r}{hint}; see {ctx.command_path} --help")
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)
