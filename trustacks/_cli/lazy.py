# SPDX-License-Identifier: Apache-2.0
"""Groups whose commands are imported when they run, and the form of one command."""

import functools
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Concatenate, ParamSpec

import click

from trustacks._cli.session import Session

P = ParamSpec("P")
# A command is its module and name, and one line of help; a group is a table again.
Entry = tuple[str, str]
Table = Mapping[str, Any]


class LazyGroup(click.Group):
    """A group that knows its commands' names and help without importing them.

    Args:
        table: Name to (``module:attribute`` or a nested table, one line of help).
    """

    def __init__(self, name: str, table: Table, **settings: Any) -> None:
        super().__init__(name, **settings)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """Return the names in the order of the table."""
        return list(self._table)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's
        cmd_name: str,
    ) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in self._table:
            return None
        place, line = self._table[cmd_name]
        if not isinstance(place, str):
            return LazyGroup(cmd_name, place, help=line)
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that ``args`` begin with; name the one like it if none.

        Raises:
            UsageError: There is no such command.
        """
        word = args[0]
        if word not in self._table and not word.startswith("-"):
            import difflib  # noqa: PLC0415 - for a mistake only

            close = difflib.get_close_matches(word, self._table, n=1)
            like = f", the nearest is '{close[0]}'" if close else ""
            ctx.fail(f"no such command '{word}'{like}")
        return super().resolve_command(ctx, args)

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's
        formatter: click.HelpFormatter,
    ) -> None:
        """Write the table's lines of help."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, line) for name, (_, line) in self._table.items()]
            )


def command(
    name: str,
) -> Callable[[Callable[Concatenate[Session, P], None]], click.Command]:
    """Make a command of a function whose first argument is the session.

    Every command takes ``--json`` and ``--help``; its help is its docstring.
    """

    def wrap(function: Callable[Concatenate[Session, P], None]) -> click.Command:
        @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
        @click.pass_obj
        @functools.wraps(function)
        def run(session: Session, /, *args: Any, as_json: bool, **options: Any) -> None:
            session.output.as_json = as_json
            function(session, *args, **options)

        return click.command(name, help=function.__doc__)(run)

    return wrap


expired_option = click.option(
    "--expired",
    is_flag=True,
    help="Go on from trust that was not renewed in time: compare its number first.",
)
workspace_option = click.option(
    "--workspace", metavar="NAME", help="The workspace, if not the current one."
)
