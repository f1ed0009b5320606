# SPDX-License-Identifier: Apache-2.0
"""Starts the Rego engine for a command; it ends with the command."""

from bundle.rego.engine import Engine
from trustacks._cli.ahead import embedded_engine
from trustacks._cli.session import Session


def open_engine(session: Session) -> Engine:
    """Start the engine now, so that its child is ready when it is asked."""
    engine = embedded_engine(session)
    engine.warm()
    return engine
