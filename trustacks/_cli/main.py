# SPDX-License-Identifier: Apache-2.0
"""The one boundary: every way a command can end becomes a line and an exit code.

Below here errors are raised; only here are they printed. A refusal of ours exits with
its own code (0 accepted, 1 refused, 2 misuse, 3 environment); a fault of ours, an
``Exception`` that nobody foresaw, is one line with the code ``internal`` and exit 3,
and its traceback is shown only with TRUSTACKS_DEBUG=1.
"""

import itertools
import os
import sys
from collections.abc import Sequence

import click

from keys.clock import Clock, utc_now
from keys.errors import TrustacksError, UsageError
from trustacks._cli.environment import Environment, read_environment
from trustacks._cli.lazy import LazyGroup
from trustacks._cli.output import Output, open_output, printable
from trustacks._cli.session import Session
from trustacks._cli.table import ASK_ENGINE, COMMANDS
from trustacks.errors import (
    CommandInterruptedError,
    InternalError,
    OperatingSystemError,
    PassedOnError,
)

program = LazyGroup(
    "trustacks",
    COMMANDS,
    help="Proof that the policy a machine enforces is the policy that people approved.",
)


def main() -> None:
    """Run the command line of this process and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str], *, clock: Clock = utc_now) -> int:
    """Run one command.

    Args:
        arguments: The words after ``trustacks``.
        clock: The time.

    Returns:
        The exit code.
    """
    output = Output()
    debug = False
    try:
        environment = read_environment()
        debug = environment.debug
        output = open_output(no_color=environment.no_color)
        output.as_json = _wants_json(arguments)
        return _run(arguments, environment, output, clock)
    except Exception as error:  # noqa: BLE001 - the boundary
        return _end(_translated(error), output, debug=debug)
    except KeyboardInterrupt as error:
        return _end(_translated(error), output, debug=debug)


def _wants_json(arguments: Sequence[str]) -> bool:
    """Say whether ``--json`` was asked for, of misuse too: it has no session yet."""
    options = itertools.takewhile(lambda word: word != "--", arguments)
    return "--json" in options


def _run(
    arguments: Sequence[str], environment: Environment, output: Output, clock: Clock
) -> int:
    """Run a command without ``program.main``, which prints and exits by itself."""
    with Session(environment, output, clock) as session:
        if tuple(arguments[:2]) in ASK_ENGINE and "--help" not in arguments:
            _start_engine(session)
        try:
            with program.make_context("trustacks", list(arguments), obj=session) as run:
                program.invoke(run)
        except click.exceptions.Exit as ended:  # --help, after it was printed
            return ended.exit_code
        finally:
            output.stdout.flush()
    return 0


def _start_engine(session: Session) -> None:
    from trustacks._cli.ahead import start_engine  # noqa: PLC0415 - few ask it

    start_engine(session)


def _translated(error: BaseException) -> TrustacksError:
    """Return the error that is shown for whatever ended a command."""
    match error:
        case TrustacksError():
            return error
        case click.Abort() | KeyboardInterrupt():
            shown: TrustacksError = CommandInterruptedError("interrupted")
        case click.ClickException():
            shown = _misuse(error)
        case OSError():
            about = f"{error.filename}: " if error.filename else ""
            shown = OperatingSystemError(f"{about}{error.strerror or error}".lower())
        case _:
            shown = InternalError(
                f"unexpected {type(error).__name__}",
                hint="this is a fault of ours: TRUSTACKS_DEBUG=1 shows where",
            )
    shown.__cause__ = error
    return shown


def _misuse(error: click.ClickException) -> UsageError:
    text = " ".join(error.format_message().split()).rstrip(".")
    hint = None
    if isinstance(error, click.UsageError) and error.ctx is not None:
        hint = f"{error.ctx.command_path} --help"
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        text = "expected a command, got none"
    return UsageError(text[:1].lower() + text[1:], hint=hint)


def _end(error: TrustacksError, output: Output, *, debug: bool) -> int:
    shown = error.to_json()
    try:
        if output.as_json and not output.printed:
            output.result(shown, "")
        message = printable(error.message).replace("\n", " ")
        output.say(f"{message} [{shown['code']}]")
        if error.hint:
            output.hint(error.hint)
        if debug:
            import traceback  # noqa: PLC0415 - for a fault of ours only

            output.stderr.write("".join(traceback.format_exception(error)))
    except OSError:
        _silence()
    return exit_code(error)


def exit_code(error: TrustacksError) -> int:
    """Return the exit code for an error."""
    if isinstance(error, PassedOnError):
        return error.passed_exit_code
    return error.exit_code


def _silence() -> None:
    """Stop the interpreter from writing to a closed pipe once more as it exits."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
