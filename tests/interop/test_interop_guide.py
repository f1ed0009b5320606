# SPDX-License-Identifier: Apache-2.0
"""docs/guides/interop.md, command by command, against the real programs."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bundle.rego.embedded import EmbeddedEngine
from deploy.peers import PEERS, folder
from keys.clock import format_instant
from tests.interop.peers.cosign import PASSWORD
from tests.interop.peers.process import environment
from tests.interop.peers.services import LOG_HOST
from tests.simulators.runbook import Names, read_runbook, require_same
from tests.simulators.workspace import TICKET, SimulatedWorkspace

PAGE = Path(__file__).parents[2] / "docs/guides/interop.md"


@pytest.fixture
def table(instance, tmp_path):
    """The files that the page speaks of."""
    with EmbeddedEngine() as engine:
        workspace = SimulatedWorkspace(datetime.now(UTC).replace(microsecond=0), engine)
        rule = workspace.rule()
    author = workspace.people["author"].key.public_key
    files = {
        f"{TICKET}.rego": rule.rule,
        f"{TICKET}.sigstore.json": rule.attestation,
        "author.pub": author.pem.encode(),
        "trusted_root.json": workspace.trusted_root(),
        "report.pdf": b"%PDF-1.7 a report",
        "notes.txt": b"notes",
        "passphrase": b"of the key of this page",
        "predicate.json": b'{"reviewed": true}',
        "token": instance.person.token().encode(),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        (tmp_path / name).chmod(0o600)
    keys = {"ct.pub": instance.ct_key.public, "rekor.pub": instance.rekor_key.public}
    chains = {
        "fulcio-chain.pem": instance.ca.path,
        "tsa-chain.pem": instance.tsa_chain.path,
    }
    for name, path in (keys | chains).items():
        shutil.copy(path, tmp_path / name)
    return tmp_path


@pytest.fixture
def shell(instance, table):
    """Type a command as the page has it."""
    path = os.pathsep.join(
        [str(folder()), str(Path(sys.executable).parent), os.environ["PATH"]]
    )
    exported = {
        "PATH": path,
        "COSIGN_PASSWORD": PASSWORD,
        "TRUSTACKS_HOME": str(table / "home"),
        "TRUSTACKS_PASSPHRASE_FILE": str(table / "passphrase"),
        "FULCIO": instance.fulcio,
        "CT_LOG": instance.ct_log,
        "REKOR": instance.rekor,
        "REKOR_HOST": LOG_HOST,
        "TSA": instance.tsa,
        "ISSUER": instance.person.issuer.url,
        "SINCE": format_instant(instance.since),
    }

    def run(command):
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=table,
            env=environment(table) | exported,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"$ {command}\n{done.stdout}"
        return [line for line in done.stdout.splitlines() if line.strip()]

    return run


@pytest.mark.interop
def test_the_page_is_true(shell):
    names = Names()

    for step in read_runbook(PAGE):
        said = shell(step.command)
        if step.shown:
            require_same(step, said, names)


def test_it_names_the_versions_that_are_pinned():
    """The programs by their names there; npm's and Python's are held by their locks."""
    text = " ".join(PAGE.read_text().split())
    named = {
        "cosign": "cosign",
        "fulcio": "Fulcio",
        "rekor-server": "Rekor",
        "tesseract": "TesseraCT",
        "timestamp-server": "the timestamp authority",
    }

    for peer in PEERS:
        assert f"{named[peer.name]} {peer.version.removeprefix('v')}" in text
