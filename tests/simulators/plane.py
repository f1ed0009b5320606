# SPDX-License-Identifier: Apache-2.0
"""A real Control Plane process on a free port, and people with homes of their own."""

import atexit
import contextlib
import functools
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from trustacks._cli.main import run

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PEOPLE = ("admin", "alice", "ci")
RULE = "acme.requires_change_ticket"
# A start takes under a second; a machine under load some more (seconds).
_PATIENCE = 60.0
# A full disk, as a process sees it: no file may grow beyond so many bytes.
_LIMITED = """
import resource, sys
sys.dont_write_bytecode = True  # CPython leaves truncated .pyc files under a limit
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
from trustacks._cli.main import main
main()
"""
_GIT = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}


def _child(variables: dict[str, str]) -> dict[str, str]:
    return {**variables, "PYTHONPATH": str(ROOT)}


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    exit_code: int
    out: str
    err: str

    @property
    def value(self):
        return json.loads(self.out)

    @property
    def code(self):
        line = [x for x in self.err.splitlines() if x.endswith("]")][-1]
        return line.rpartition("[")[2].removesuffix("]")


@dataclass(frozen=True)
class Person:
    """Somebody with a home, who calls commands in this process or in a child."""

    folder: Path

    @classmethod
    def make(cls, folder: Path):
        folder.mkdir(parents=True)
        (folder / "passphrase").write_text("correct horse\n")
        return cls(folder)

    @property
    def home(self) -> Path:
        return self.folder / ".trustacks"

    @property
    def variables(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "TRUSTACKS_HOME": str(self.home),
            "TRUSTACKS_PASSPHRASE_FILE": str(self.folder / "passphrase"),
        }

    def copy(self, folder: Path):
        """The same person, on another day: what they change there stays there."""
        shutil.copytree(self.folder, folder)
        return Person(folder)

    def __call__(self, *words) -> Ended:
        out, err = io.StringIO(), io.StringIO()
        before = dict(os.environ)
        os.environ.pop("TRUSTACKS_DEBUG", None)
        os.environ.update(self.variables)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = run([str(word) for word in words])
        finally:
            os.environ.clear()
            os.environ.update(before)
        ended = Ended(code, out.getvalue(), err.getvalue())
        assert "Traceback" not in ended.err
        return ended

    def must(self, *words) -> Ended:
        ended = self(*words)
        assert ended.exit_code == 0, (words, ended)
        return ended

    def start(self, *words, cwd: Path, limit_bytes: int | None = None):
        """Start a command in a child, with an end to how large a file it may write."""
        first = [] if limit_bytes is None else ["-c", _LIMITED, str(limit_bytes)]
        return self._process([*(first or ["-m", "trustacks"]), *map(str, words)], cwd)

    def python(self, script: str, *, cwd: Path):
        """Start a script with this person's environment."""
        return self._process(["-c", script], cwd)

    def _process(self, words: list[str], cwd: Path, *, hears: bool = False):
        return subprocess.Popen(
            [sys.executable, *words],
            cwd=cwd,
            # A limited child would leave truncated bytecode in the source tree.
            env={**_child(self.variables), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE if hears else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def child(self, *words, cwd: Path, limit_bytes: int | None = None) -> Ended:
        with self.start(*words, cwd=cwd, limit_bytes=limit_bytes) as process:
            out, err = process.communicate(timeout=_PATIENCE)
        assert "Traceback" not in err
        return Ended(process.returncode, out, err)


@dataclass(frozen=True)
class Plane:
    """A running Control Plane with one workspace."""

    url: str
    state: Path
    admin: Person
    alice: Person
    ci: Person
    root: Path
    runner: Path

    @property
    def admin_token(self) -> Path:
        return self.state / "admin-token"


@contextlib.contextmanager
def serving(state: Path, **settings: str):
    """Run a server in ``state``, with further variables; yield its address."""
    log = state.with_name(f"{state.name}.log")
    words = ["server", "run", "--state", str(state), "--port", "0"]
    with log.open("w") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "trustacks", *words],
            cwd=state.parent,
            env=_child(
                {"PATH": os.environ["PATH"], "HOME": str(state.parent), **settings}
            ),
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
        )
    try:
        yield _ready(process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_PATIENCE)


def _ready(process, log: Path) -> str:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(r"ready on (http://\S+)", log.read_text()):
            return found[1]
        threading.Event().wait(0.02)
    raise AssertionError(f"no server: {log.read_text()}")


@contextlib.contextmanager
def planted(folder: Path, **settings: str):
    """A Control Plane with a workspace, an author, a release identity and a Runner."""
    people = {n: Person.make(folder / "people" / n) for n in PEOPLE}
    root, runner = folder / "acme.root.json", folder / "runner"
    with serving(folder / "server", **settings) as url:
        plane = Plane(url, folder / "server", *people.values(), root, runner)
        plane.admin.must(
            *("workspace", "create", "acme", "--url", url),
            *("--token-file", plane.admin_token, "--root-out", root),
            *("--constitution", EXAMPLES / "constitution"),
            *("--pack", EXAMPLES / "packs" / "change-control"),
            *("--publisher", EXAMPLES / "publisher.pub"),
        )
        login = ("login", "--url", url, "--workspace", "acme", "--root", root)
        plane.admin.must(*login, "--token-file", plane.admin_token)
        for name, role in (("alice", "author"), ("ci", "release")):
            _join(plane, people[name], name, role, login)
        plane.admin.must("runner", "enroll", "--state", runner)
        for name in ("alice", "ci"):
            people[name].must(
                *login, "--token-file", folder / f"{name}.token", "--key", name
            )
        yield plane


@contextlib.contextmanager
def replanted(folder: Path):
    """The same from a copy, which costs a start of the server and nothing else.

    The server is at another address than the one that made it: what names its issuer
    of tokens does not fit.
    """
    shutil.copytree(_template(), folder, dirs_exist_ok=True)
    with serving(folder / "server") as url:
        tell_address(folder, url)
        people = (Person(folder / "people" / name) for name in PEOPLE)
        root, runner = folder / "acme.root.json", folder / "runner"
        yield Plane(url, folder / "server", *people, root, runner)


@functools.cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="plane-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with planted(folder / "plane") as plane:
        (folder / "plane" / "url").write_text(plane.url)
    return folder / "plane"


def tell_address(folder: Path, url: str) -> None:
    """Tell everybody in a folder where the server is now."""
    note = folder / "url"
    known = note.read_text() if note.exists() else url
    for name in ("config.yaml", "runner.json", "ceremony/move.json"):
        for path in folder.rglob(name):
            path.write_text(path.read_text().replace(known, url))
    note.write_text(url)


def joined(
    plane: Plane, name: str, role: str, *permissions: str, namespace: str = "acme"
) -> Person:
    """Somebody new with a token of that role, and an identity that may do this."""
    person = Person.make(plane.root.with_name("people") / name)
    login = ("login", "--url", plane.url, "--workspace", "acme", "--root", plane.root)
    _join(plane, person, name, role, login, *permissions, namespace=namespace)
    token = plane.root.with_name(f"{name}.token")
    person.must(*login, "--token-file", token, "--key", name)
    return person


def _join(
    plane: Plane,
    person: Person,
    name: str,
    role: str,
    login,
    *may: str,
    namespace: str = "acme",
) -> None:
    token = plane.root.with_name(f"{name}.token")
    create = ("workspace", "token", "create", "--role", role, "--subject", name)
    plane.admin.must(*create, "--out", token)
    person.must(*login, "--token-file", token)
    person.must("keys", "create", name)
    proof = plane.root.with_name(f"{name}.proof")
    permissions = [w for one in may or (role,) for w in ("--permission", one)]
    asks = ("--principal", f"{name}@acme.example", *permissions)
    for_rules = ("--namespace", namespace, "--proof-out", proof)
    person.must("identity", "register", name, *asks, *for_rules)
    plane.admin.must("identity", "register", "--proof", proof)


def git(folder: Path, *words: str) -> str:
    """Run git as the tests' own, with no configuration but the repository's."""
    done = subprocess.run(
        ["git", "-C", str(folder), *words],
        env={**os.environ, **_GIT},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def overlay_repository(folder: Path) -> Path:
    """Make an overlay repository with an identity and a first commit."""
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    git(folder, "config", "user.name", "Ada")
    git(folder, "config", "user.email", "ada@example.com")
    git(folder, "commit", "-q", "--allow-empty", "-m", "Start")
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    """Everything in a folder, to say that nothing changed; git's own left out."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }
