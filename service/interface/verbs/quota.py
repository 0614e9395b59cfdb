"""``sieve quota``: how much of a shared cluster each owner may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from service.interface.terminal import verb_options
from service.interface.terminal.verb_group import Group
from service.interface.text import tables

if TYPE_CHECKING:
    from service.interface.source import Source


@click.group(cls=Group)
def quota() -> None:
    """What each owner may have of a shared cluster: set, list, remove.

    OWNER * is the default quota. At an address only an admin reaches them.
    """


@quota.command("set")
@click.argument("owner")
@click.option("--running", type=click.IntRange(min=0), help="Sweeps that run at once.  [default: any number]")
@click.option("--gpu-hours", type=click.FloatRange(min=0), help="GPU hours in all.  [default: any number]")
@verb_options.source
def put(owner: str, running: int | None, gpu_hours: float | None, source: Source) -> None:
    """Give OWNER another quota, which holds within seconds.

    It is set as a whole: a limit that is not given is none.
    """
    from service.ledger.records import QuotaRecord
    from service.spec.errors import UserError

    if running is None and gpu_hours is None:
        raise UserError(
            f"no limit is given for {owner}", f"give --running, --gpu-hours or both, or: sieve quota rm {owner}"
        )
    source.rights.set_quota(QuotaRecord(owner, running, gpu_hours))
    limits = [
        "any number of sweeps at once" if running is None else f"at most {running} running at once",
        "any number of GPU hours" if gpu_hours is None else f"{gpu_hours:g} GPU hours in all",
    ]
    who = "whoever has no quota" if owner == "*" else owner
    click.echo(f"{who} may have {', '.join(limits)}")


@quota.command()
@verb_options.output
@verb_options.source
def ls(source: Source, output: str) -> None:
    """List the quotas, and what is used of them."""
    click.echo(tables.render(source.rights.quotas(), output, "no quotas yet; set one with: sieve quota set OWNER"))


@quota.command()
@click.argument("owner")
@verb_options.source
def rm(owner: str, source: Source) -> None:
    """Remove the quota of OWNER; that of * holds again, if there is one."""
    source.rights.remove_quota(owner)
    click.echo(f"{owner} has no quota of their own")


VERBS = (quota,)
