# SPDX-License-Identifier: Apache-2.0
"""``trustacks rule cosign``: a further author signs what the first one signed.

Where admins ask for two principals behind each rule, each signs the same statement. It
says that tests and lint passed, so both are run here before it is signed.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from bundle.beside import cosignature_path
from bundle.layers import read_layer
from bundle.overlay import find_rule
from keys.durable import write_file
from trustacks._cli.engine import engine_option, open_engine
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.oidc_options import asked, signer_options
from trustacks._cli.overlay_files import overlay_option
from trustacks._cli.overlay_profile import profile_of
from trustacks._cli.rule_lint import against_of, previous_of, read_others
from trustacks._cli.rule_sign import require_passed
from trustacks._cli.seconds import open_second
from trustacks._cli.session import Session
from trustacks.cosigning import Cosigner
from trustacks.signing import said_in, statement_digest


@command("cosign")
@click.argument("rule")
@signer_options("The further author's key.")
@overlay_option
@engine_option
@workspace_option
def cosign(
    session: Session,
    /,
    *,
    rule: str,
    overlay: Path | None,
    engine_choice: str | None,
    workspace: str | None,
    **given: Any,
) -> None:
    """Test and lint RULE, an id or a path, and sign its author's statement too."""
    files = find_rule(overlay or Path(), rule)
    cosigner = open_second(session, Cosigner, asked(given), workspace)
    cosigner.author(files)
    engine = open_engine(session, engine_choice)
    layers = tuple(map(read_layer, cosigner.pinned.parents().archives))
    against = against_of(layers, read_others(overlay, rule), engine)
    against = replace(against, profile=profile_of(overlay))
    previous = previous_of(session, files, None, workspace)
    require_passed(session, engine, [(files, previous)], against)
    raw = cosigner.sign(files)
    path = cosignature_path(files.rule_path, cosigner.identity.id)
    write_file(path, raw)
    value = {
        "rule_id": files.rule_id,
        "attestation": str(path),
        "statement": str(statement_digest(raw)),
        "identity": cosigner.identity.id,
        "predicate": said_in(raw),
    }
    session.output.result(
        value,
        lambda: (
            f"signed {files.rule_id} too, as {cosigner.identity.id}: {path.as_posix()}"
        ),
    )
