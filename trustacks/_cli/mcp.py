# SPDX-License-Identifier: Apache-2.0
"""``trustacks mcp``: lets an agent list, explain, test and lint, and nothing else."""

from pathlib import Path

from bundle.layers import Layer
from bundle.overlay import overlay_root
from bundle.ratchet.child import Prover
from trustacks._cli.engine import open_engine
from trustacks._cli.lazy import command
from trustacks._cli.overlay_files import overlay_option
from trustacks._cli.parent_layers import parents_options, read_parents
from trustacks._cli.session import Session
from trustacks.agents.bench import Bench
from trustacks.errors import McpUnavailableError, NotLoggedInError
from trustacks.parents import store_directory


@command("mcp")
@overlay_option
@parents_options
def mcp(
    session: Session,
    *,
    overlay: Path | None,
    constitution: Path | None,
    packs: tuple[Path, ...],
    workspace: str | None,
) -> None:
    """Serve an agent on standard input and output, until it closes its end.

    It speaks the Model Context Protocol. Its tools only read; none signs or writes.
    """
    try:
        from trustacks.agents.server import serve  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise McpUnavailableError(
            "expected the MCP SDK, got none", hint="pip install 'trustacks[mcp]'"
        ) from error
    root = overlay_root(overlay or Path())

    def layers() -> tuple[Layer, ...]:
        return read_parents(session, constitution, packs, workspace)

    def pinned() -> Path | None:
        try:
            login = session.login(workspace)
        except NotLoggedInError:
            return None
        return store_directory(session.home / "workspaces", login.root)

    prover = session.keep(Prover())
    serve(Bench(root, open_engine(session), prover, layers, pinned))
