# SPDX-License-Identifier: Apache-2.0
"""``trustacks sign``: vouch for a file, in a workspace or outside of every one.

Two acts that never mix. Without ``--trusted-root`` and ``--bare``: a registered
identity makes an ``artifact/v1`` statement, which its workspace logs and ``verify``
judges by the pin. With one of them: a signature over the file itself, for any verifier
of Sigstore bundles, by a key that has no purpose in a workspace, or as the subject of
an OIDC token.
"""

from pathlib import Path
from typing import Any, Final

import click

from trustacks._cli.files import refuse_unwritable, write_new
from trustacks._cli.hashed import require_file
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.oidc_options import Asked, asked, root_option, signer_options
from trustacks._cli.session import Session

_FILE: Final = click.Path(path_type=Path)


@command("sign")
@click.argument("file", type=_FILE)
@click.option(
    "--bare",
    is_flag=True,
    help="With a key, outside of every workspace: no log, no timestamp.",
)
@click.option("--out", type=_FILE, help="The bundle; FILE.sigstore.json else.")
@signer_options("The local key, if not the default one.")
@root_option
@workspace_option
def sign(
    session: Session,
    /,
    *,
    file: Path,
    bare: bool,
    out: Path | None,
    workspace: str | None,
    **given: Any,
) -> None:
    """Vouch for FILE: in the pinned workspace, or for anybody's verifier.

    Without --trusted-root and --bare: as a registered identity, stamped and logged by
    the workspace. With one of them: a signature of the file itself, outside of it.
    """
    require_file(file)
    target = out or file.with_name(f"{file.name}.sigstore.json")
    refuse_unwritable(target)
    options = asked(given)
    if bare or options.trusted_root is not None:
        raw, who = _outside(session, file, options, bare=bare)
        shown = who.get("subject") or f"key {who['key_id'][:16]}"
        value: dict[str, Any] = {"bundle": str(target), **who}
    else:
        raw, shown, value = _inside(session, file, options, workspace)
        value = {"attestation": str(target), **value}
    write_new(target, raw)
    session.output.result(
        {"file": str(file), **value},
        f"signed {file} as {shown}: {target}",
    )


def _outside(
    session: Session, file: Path, options: Asked, *, bare: bool
) -> tuple[bytes, dict[str, Any]]:
    # Not above: it brings HTTP, which signing in a workspace has its own of.
    from trustacks._cli.instance import Instance  # noqa: PLC0415 - loaded when asked for
    from trustacks._cli.outside import Outside  # noqa: PLC0415 - loaded when asked for

    instance = Instance(session, options)
    return Outside.open(session, instance, bare=bare).sign_file(file)


def _inside(
    session: Session,
    file: Path,
    options: Asked,
    workspace: str | None,
) -> tuple[bytes, str, dict[str, Any]]:
    from trustacks._cli.artifact import sign_pinned  # noqa: PLC0415 - brings the client

    done = sign_pinned(session, file, options, workspace=workspace)
    return done.raw, done.identity, dict(done.value)
