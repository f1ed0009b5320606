# SPDX-License-Identifier: Apache-2.0
"""``trustacks bundle``: build an archive, look into one, judge what is published."""

from pathlib import Path
from typing import Any

import click

from bundle.archive import content_digest, unpack
from bundle.build import build_bundle
from bundle.confine import check_confined
from bundle.inventory import INVENTORY_PATH
from bundle.limits import BUNDLE_BOUNDS
from bundle.manifest import MANIFEST_PATH, parse_manifest
from bundle.rule import RuleModule
from bundle.runner.collect import collect
from bundle.verifier import Verifier
from keys.digest import Digest
from trustacks._cli.connect import open_pinned
from trustacks._cli.engine import open_engine
from trustacks._cli.files import read_given, refuse_existing, write_new
from trustacks._cli.floor import floor_option, read_floor
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.oidc_options import asked, signer_options
from trustacks._cli.output import columns, pairs
from trustacks._cli.overlay_files import overlay_option, read_rules
from trustacks._cli.seconds import open_teller
from trustacks._cli.session import Session
from trustacks.signing import signed

_FILE = click.Path(path_type=Path)


@command("build")
@click.option("-o", "--out", type=_FILE, required=True, help="The archive to write.")
@click.option(
    "--revision",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="The revision in the manifest; `bundle release` chooses its own.",
)
@overlay_option
def build(session: Session, *, out: Path, revision: int, overlay: Path | None) -> None:
    """Build the policy bundle of the signed rules: same rules, same bytes."""
    refuse_existing(out)
    rules = read_rules(overlay)
    for rule in rules:
        signed(rule)
    engine = open_engine(session)
    built = build_bundle(rules, revision=revision, parse=engine.parse)
    write_new(out, built.archive)
    value = {
        "file": str(out),
        "revision": revision,
        "archive": str(built.digest),
        "content": str(built.content),
        "rules": [rule.rule_id for rule in rules],
    }
    session.output.result(value, lambda: _built_text(value))


@command("inspect")
@click.argument("file", type=_FILE)
def inspect(session: Session, *, file: Path) -> None:
    """Show what the bundle FILE holds; says nothing about who made it."""
    archive = read_given(file, max_bytes=2 * BUNDLE_BOUNDS.max_bytes)
    files = unpack(archive)
    manifest = parse_manifest(files.pop(MANIFEST_PATH, b""))
    files.pop(INVENTORY_PATH, None)
    engine = open_engine(session)
    rules = check_confined(files, parse=engine.parse)
    value = {
        "file": str(file),
        "revision": manifest.revision,
        "archive": str(Digest.of(archive)),
        "content": str(content_digest(archive)),
        "rules": [_rule(rule) for rule in rules],
    }
    session.output.result(value, lambda: _inspected_text(value))


@command("verify")
@floor_option
@click.option(
    "--vsa", type=_FILE, help="Sign a SLSA verification summary, and write it here."
)
@signer_options("The key for --vsa.")
@workspace_option
def verify(
    session: Session,
    /,
    *,
    floor: str | None,
    vsa: Path | None,
    workspace: str | None,
    **given: Any,
) -> None:
    """Judge the published release by the Runner's own gate, check by check.

    A summary is signed of a refusal, too: it is evidence that somebody looked.
    """
    if vsa is not None:
        refuse_existing(vsa)
    login, at = session.login(workspace), session.clock()
    store = open_pinned(session, login)
    known = read_floor(floor)
    collected = collect(store.refresh(at=at).fetched, marks=None, floor=known, at=at)
    verifier = Verifier(root=store.root, engine=open_engine(session))
    result = verifier.verify(collected.candidate, floor=known, at=at).result
    if vsa is not None and collected.candidate.bundle:
        teller = open_teller(session, asked(given), workspace)
        raw = teller.verified(collected.candidate, result)
        write_new(vsa, raw)
    color = session.output.color
    session.output.result(result.to_json(), lambda: result.text(color=color))
    if collected.problem:
        raise collected.problem
    result.require()


def _rule(rule: RuleModule) -> dict[str, str]:
    return {
        "rule_id": rule.rule_id,
        "package": rule.package,
        "citation": rule.metadata.citation.id,
        "rule": str(Digest.of(rule.source)),
    }


def _built_text(value: dict[str, Any]) -> str:
    return pairs(
        [
            ("bundle", value["file"]),
            ("revision", str(value["revision"])),
            ("archive", value["archive"]),
            ("content", value["content"]),
            ("rules", ", ".join(value["rules"])),
        ]
    )


def _inspected_text(value: dict[str, Any]) -> str:
    head = pairs(
        [(name, str(value[name])) for name in ("revision", "archive", "content")]
    )
    rows = [(r["rule_id"], r["citation"], r["rule"]) for r in value["rules"]]
    return f"{head}\n{columns([('RULE', 'CITATION', 'DIGEST'), *rows])}"
