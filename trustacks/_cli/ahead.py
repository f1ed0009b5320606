# SPDX-License-Identifier: Apache-2.0
"""Starts the engine's child while this process still imports the command.

A child is ready after 25 ms, and a command that lints or tests spends more than that on
its own imports before it has a question: started now, the child costs no time.
"""

import contextlib

from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.errors import EngineUnavailableError
from trustacks._cli.session import Session


def start_engine(session: Session) -> None:
    """Start the child without waiting for it; what fails is said when it is asked."""
    with contextlib.suppress(EngineUnavailableError):
        embedded_engine(session).warm()


def embedded_engine(session: Session) -> EmbeddedEngine:
    """Return the embedded engine of this command, the one that was started ahead."""
    return session.once("embedded-engine", EmbeddedEngine)
