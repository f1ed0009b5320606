# SPDX-License-Identifier: Apache-2.0
"""Starts the Rego engine for a command; it ends with the command."""

from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.engine import Engine
from trustacks._cli.session import Session


def open_engine(session: Session) -> Engine:
    """Start the engine now, so that its child is ready when it is asked."""
    engine = session.keep(EmbeddedEngine())
    engine.warm()
    return engine
