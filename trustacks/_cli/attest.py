# SPDX-License-Identifier: Apache-2.0
"""``trustacks attest``: say something about files, for any verifier of attestations.

One statement about all of them, with one signature. What is said is the author's own
predicate, byte by byte; the predicate types of this project are refused, because
Runners go by them (DESIGN T9).
"""

from pathlib import Path
from typing import Any, Final

import click

from keys.errors import UsageError
from signer.foreign_statement import build_foreign_statement
from signer.limits import MAX_STATEMENT_BYTES
from signer.statement import Subject
from trustacks._cli.files import read_given, refuse_unwritable, write_new
from trustacks._cli.hashed import digest_of
from trustacks._cli.instance import Instance
from trustacks._cli.lazy import command
from trustacks._cli.oidc_options import asked, root_option, signer_options
from trustacks._cli.outside import Outside
from trustacks._cli.session import Session
from trustacks._cli.shown import foreign_text

_FILE: Final = click.Path(path_type=Path)


@command("attest")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_FILE)
@click.option("--predicate-type", metavar="URI", required=True, help="What it says.")
@click.option(
    "--predicate", type=_FILE, required=True, help="The predicate, a JSON object."
)
@click.option("--bare", is_flag=True, help="With a key: no log, no timestamp.")
@click.option("--out", type=_FILE, help="The bundle; FILE.sigstore.json else.")
@signer_options("Sign with this key.")
@root_option
def attest(
    session: Session,
    /,
    *,
    files: tuple[Path, ...],
    predicate_type: str,
    predicate: Path,
    **given: Any,
) -> None:
    """Say a predicate of every FILE, in one statement with one signature.

    Outside of every workspace: with --key or as yourself (--oidc), by the services of
    --signing-config and the word of --trusted-root.
    """
    target = _target(files, given.pop("out"))
    refuse_unwritable(target)
    statement = build_foreign_statement(
        [Subject(file.as_posix(), digest_of(file)) for file in files],
        predicate_type=predicate_type,
        predicate=read_given(predicate, max_bytes=MAX_STATEMENT_BYTES),
    )
    bare = given.pop("bare")
    instance = Instance(session, asked(given))
    outside = Outside.open(session, instance, bare=bare)
    session.output.say(foreign_text(statement))
    raw, who = outside.sign_statement(statement)
    write_new(target, raw)
    names = [str(file) for file in files]
    session.output.result(
        {
            "files": names,
            "predicate_type": predicate_type,
            "bundle": str(target),
            **who,
        },
        f"attested {', '.join(names)}: {target}",
    )


def _target(files: tuple[Path, ...], out: Path | None) -> Path:
    if out is not None:
        return out
    if len(files) > 1:
        raise UsageError(
            "expected --out with several files, got none",
            hint="one bundle is about all of them",
        )
    return files[0].with_name(f"{files[0].name}.sigstore.json")
