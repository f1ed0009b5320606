# SPDX-License-Identifier: Apache-2.0
"""The real peers are installed once, or the machine's lack is named and nothing is."""

import subprocess
import sys
from pathlib import Path

import pytest

from deploy import peers
from deploy.peers import PEERS, MissingError, install_programs, lacking

ROOT = Path(__file__).parents[3]
_GO = """#!/bin/sh
case $1 in
version) echo "go version go{version} linux/amd64" ;;
install) {install} ;;
esac
"""
_BUILDS = 'echo "built $2" >"$GOBIN/posix"; chmod +x "$GOBIN/posix"'


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with what a test puts on its PATH, and nothing installed."""
    tools = tmp_path / "tools"
    tools.mkdir()
    # The tools of a shell script, but no Go and no Node.
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setenv("TRUSTACKS_PEERS", str(tmp_path / "peers"))

    def has(name, script):
        (tools / name).write_text(script)
        (tools / name).chmod(0o755)

    has("chmod", f'#!/bin/sh\nexec {_which("chmod")} "$@"\n')
    return has


def _which(name: str) -> str:
    return next(p for p in (f"/bin/{name}", f"/usr/bin/{name}") if Path(p).exists())


def installed(tmp_path: Path) -> list[str]:
    folder = tmp_path / "peers"
    return sorted(p.name for p in folder.iterdir()) if folder.exists() else []


def test_without_go_the_command_says_so_and_exits_3(machine, tmp_path):
    ended = subprocess.run(
        [sys.executable, "-m", "deploy.peers"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 3
    assert ended.stderr == "trustacks: missing: go 1.26 or newer, to build the peers\n"
    assert installed(tmp_path) == []


@pytest.mark.parametrize("version", ["1.25.9", "1.3", "0.99", "devel"])
def test_an_older_go_is_not_used(machine, tmp_path, version):
    machine("go", _GO.format(version=version, install=_BUILDS))

    with pytest.raises(MissingError, match=f"`go version` says .*go{version}"):
        install_programs(PEERS)

    assert installed(tmp_path) == []


def test_a_module_that_cannot_be_had_is_named_with_what_go_said(machine, tmp_path):
    machine("go", _GO.format(version="1.26.0", install="echo no such host; exit 1"))

    with pytest.raises(MissingError) as refused:
        install_programs(PEERS)

    what, _, said = str(refused.value).partition("\n")
    assert what.startswith(f"missing: {PEERS[0].package}@{PEERS[0].version};")
    assert said.startswith("no such host\nhint: ")
    assert installed(tmp_path) == []


def test_a_program_is_built_once_under_its_own_name(machine, tmp_path):
    machine("go", _GO.format(version="1.27.1", install=_BUILDS))

    install_programs(PEERS)

    rekor = next(peer for peer in PEERS if peer.name == "rekor-server")
    built = (tmp_path / "peers/rekor-server").read_text()
    assert built == f"built {rekor.package}@{rekor.version}\n"
    assert not set(lacking()) & {peer.name for peer in PEERS}


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "cosign.version").write_text("v3.1.1\n"),
        lambda folder: (folder / "cosign.version").unlink(),
        lambda folder: (folder / "cosign").unlink(),
        lambda folder: (folder / "cosign").chmod(0o600),
    ],
    ids=["another version", "killed before the end", "gone", "no program"],
)
def test_what_is_not_the_pinned_program_is_lacking(machine, tmp_path, change):
    machine("go", _GO.format(version="1.26.8", install=_BUILDS))
    install_programs(PEERS)
    change(tmp_path / "peers")

    assert lacking()[:1] == ["cosign"]


def test_packages_of_another_lock_are_lacking(tmp_path, monkeypatch):
    monkeypatch.setattr(peers, "NPM", tmp_path)
    (tmp_path / "node_modules").mkdir()
    stamp = tmp_path / "node_modules/.installed"

    stamp.write_bytes(peers.NPM_LOCK.read_bytes())
    assert "npm's packages" not in lacking()
    stamp.write_text("{}")
    assert "npm's packages" in lacking()


def test_an_older_node_is_not_used(machine, monkeypatch, tmp_path):
    monkeypatch.setattr(peers, "NPM", tmp_path / "npm")
    machine("node", "#!/bin/sh\necho v18.20.0\n")

    with pytest.raises(MissingError, match=r"node 20\.17 or newer.*says v18\.20\.0"):
        peers.install_packages()

    assert not (tmp_path / "npm").exists()
