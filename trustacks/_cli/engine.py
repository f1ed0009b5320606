# SPDX-License-Identifier: Apache-2.0
"""Starts the Rego engine for a command; it ends with the command."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import click

from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.engine import Engine
from trustacks._cli.ahead import embedded_engine
from trustacks._cli.session import Session

REGORUS: Final = "regorus"
OPA: Final = "opa"
BOTH: Final = "both"

R = TypeVar("R")


def engine_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--engine``, which arrives as ``engine_choice``; None is the default.

    A command that a person waits for takes regorus by default, one that signs or
    judges for others leaves the choice to ``open_engine`` (ADR 0018).
    """
    return click.option(
        "--engine",
        "engine_choice",
        type=click.Choice([REGORUS, OPA, BOTH]),
        help="Who evaluates: the embedded engine, the opa on PATH, or both.",
    )(function)


def open_engine(session: Session, choice: str | None = REGORUS) -> Engine:
    """Start the engine now, so that its child is ready when it is asked.

    Args:
        session: The command's.
        choice: ``regorus``, ``opa`` or ``both``. None is ``both`` where there is a
            current ``opa`` on PATH; one that is too old is then not asked.

    Raises:
        OpaUnsuitableError: ``opa`` is needed, and there is none, or one too old.
    """
    engine = embedded_engine(session)
    engine.warm()
    if choice == REGORUS:
        return engine
    import shutil  # noqa: PLC0415 - loads compressors, only where opa is asked for

    if choice is None and shutil.which("opa") is None:
        return engine
    from bundle.rego.both import BothEngines  # noqa: PLC0415 - only where opa is
    from bundle.rego.opa import OpaEngine  # noqa: PLC0415 - only where opa is
    from bundle.rego.opa_process import find_opa  # noqa: PLC0415 - only where opa is

    if choice is None and find_opa() is None:
        return engine
    opa = OpaEngine(engine)
    opa.warm()
    if choice == OPA:
        return opa
    return BothEngines(engine, opa, required=choice == BOTH)


def confirmed(engine: Engine, reports: Sequence[R]) -> list[R]:
    """Return reports with the second opinion on their rules, if one is to be asked.

    Raises:
        OpaUnsuitableError: ``opa`` is needed, and is too old.
    """
    if isinstance(engine, EmbeddedEngine):
        return list(reports)
    from bundle.rego import confirm  # noqa: PLC0415 - only where opa is

    return confirm.confirmed(engine, reports)
