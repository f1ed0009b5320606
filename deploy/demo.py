# SPDX-License-Identifier: Apache-2.0
"""The workshop, end to end, with every signature real.

Run by ``make demo``. In a scratch folder, with homes of its own, it starts a real
Control Plane on a free port of this machine and plays twelve steps with the
``trustacks`` command alone: each is printed as a person would type it, then its real
output, and each is checked for its exit code and for what it must say. The first one
that does not do what it says ends the demo with an exit code of 1.

Only the standard library is used here. The two attackers' tools that the command does
not offer are ``deploy/demo_attack.py``.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
RULE = "acme.requires_change_ticket"
SECOND = "acme.deploy_window"
# A ticket of another project, such as ACM-12, is none of the change calendar's.
GOOD_LINE = "regex.match(`(^|[^A-Za-z0-9])CM-[0-9]+`, text)\n"
CONDITION = "\tnot has_ticket\n"
EXCEPTION = '\tinput.context.service != "status-page"\n'
BAD_LINE = "regex.match(`CM-[0-9]+`, text)\n"
# A step takes a second or two; a machine under load some more (seconds).
PATIENCE = 60.0


class DemoError(Exception):
    """A step did not do what it says."""


class Person:
    """Somebody with a home of their own, at a prompt."""

    def __init__(self, name: str, scratch: Path, cwd: Path) -> None:
        self.name, self.cwd = name, cwd
        self.home = scratch / "homes" / name
        self.home.mkdir(parents=True, mode=0o700)
        secret = self.home / "passphrase"
        secret.write_text(f"{os.urandom(16).hex()}\n")
        secret.chmod(0o600)

    def variables(self) -> dict[str, str]:
        """Return the environment: nothing of the machine's but PATH."""
        return {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "TRUSTACKS_HOME": str(self.home / ".trustacks"),
            "TRUSTACKS_PASSPHRASE_FILE": str(self.home / "passphrase"),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "LANG": "C.UTF-8",
        }

    def types(
        self, line: str, *, ends: int = 0, says: Sequence[str] = (), quiet: bool = False
    ) -> str:
        """Run one line of shell, show it with its output, and check both."""
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=self.cwd,
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if not quiet:
            print(f"\n{self.name} $ {line}\n{done.stdout}", end="", flush=True)
        if done.returncode != ends:
            raise DemoError(f"{line}: expected exit {ends}, got {done.returncode}")
        for said in says:
            if _plain(said) not in _plain(done.stdout):
                raise DemoError(f"{line}: expected {said!r} in the output, got none")
        return done.stdout


class Server:
    """The Control Plane's process; only this one is ever stopped."""

    def __init__(self, scratch: Path) -> None:
        self._log = scratch / "server.log"
        self._process: subprocess.Popen | None = None
        self.state = scratch / "server"

    def start(self) -> str:
        """Start it on a free port; return its address."""
        words = [
            "trustacks",
            "server",
            "run",
            "--state",
            str(self.state),
            "--port",
            "0",
        ]
        print("\noperator $ trustacks server run --state server --port 0 &")
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [str(BIN / words[0]), *words[1:]],
                env={"PATH": os.environ["PATH"], "HOME": str(self.state.parent)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            found = re.search(r"ready on (http://\S+)", self._log.read_text())
            if found:
                print(
                    self._log.read_text().replace(f"{self.state.parent}/", ""), end=""
                )
                return found[1]
            time.sleep(0.02)
        raise DemoError(f"expected a ready server, got: {self._log.read_text()}")

    def stop(self) -> None:
        """Ask it to stop, and wait until it did."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE / 2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def published(self, pattern: str) -> Path:
        """Return the one published file that matches."""
        found = list((self.state / "workspaces" / "acme").glob(pattern))
        if len(found) != 1:
            raise DemoError(f"expected one file {pattern}, got {len(found)}")
        return found[0]


class Demo:
    """The twelve steps, in order."""

    def __init__(self, scratch: Path, server: Server) -> None:
        self.scratch, self.server, self.url = scratch, server, ""
        self.archive = ""
        self.policy = scratch / "policy"
        self.policy.mkdir()
        people = ("admin", "alice", "bob", "ci", "mallory", "runner", "auditor")
        cwd = {"alice": self.policy, "ci": self.policy}
        made = {n: Person(n, scratch, cwd.get(n, scratch)) for n in people}
        self.admin, self.alice, self.ci = made["admin"], made["alice"], made["ci"]
        self.mallory, self.runner = made["mallory"], made["runner"]
        self.auditor, self.bob = made["auditor"], made["bob"]

    def play(self) -> None:
        """Play every step."""
        steps = (
            self.step_1_workspace,
            self.step_2_identities,
            self.step_3_login_and_status,
            self.step_4_new_rule,
            self.step_5_test,
            self.step_6_lint,
            self.step_7_sign_and_release,
            self.step_8_activate,
            self.step_9_decide,
            self.step_10_attacks,
            self.step_11_change,
            self.step_12_replay,
        )
        for number, step in enumerate(steps, start=1):
            title = (step.__doc__ or "").rstrip(".")
            print(f"\n{'=' * 8} {number}. {title}", flush=True)
            step()

    def step_1_workspace(self) -> None:
        """The Control Plane starts; a workspace is made."""
        self.url = self.server.start()
        shutil.copytree(ROOT / "examples", self.scratch / "vendor")
        self.admin.types(
            f"trustacks workspace create acme --url {self.url}"
            " --token-file server/admin-token --constitution vendor/constitution"
            " --pack vendor/packs/change-control --publisher vendor/publisher.pub"
            " --root-out acme.root.json",
            says=["embedded", "does not hold here"],
        )

    def step_2_identities(self) -> None:
        """Identities are registered, each with proof that its key is held."""
        login = f"trustacks login --url {self.url} --workspace acme --root"
        self.admin.types(
            f"{login} acme.root.json --token-file server/admin-token",
            says=["(admin)", "pinned root"],
        )
        self._join(self.alice, "author", "author")
        self._join(self.ci, "release", "release")
        self.admin.types(
            "trustacks runner enroll --state runner",
            says=["enrolled", "identity.permissions = report"],
        )
        self._invite(self.mallory, "author")
        self.mallory.types(f"{login} acme.root.json --token-file mallory.token")
        self.mallory.types("trustacks keys create mallory")
        self.mallory.types(
            "trustacks sign acme.root.json", ends=1, says=["[unknown-signer]"]
        )

    def step_3_login_and_status(self) -> None:
        """Logged in: health, active revision, form of trust, key form."""
        self.alice.types(
            f"trustacks login --url {self.url} --workspace acme"
            " --token-file ../alice.token --key alice",
            says=["alice (author)"],
        )
        self.alice.types(
            "trustacks status",
            says=["ready", "none: Runners deny", "embedded", "identity alice"],
        )

    def step_4_new_rule(self) -> None:
        """A rule is written on a branch, with its tests and its citation."""
        self.alice.types("git init -q -b main")
        self.alice.types(
            "git config user.name Alice; git config user.email alice@acme.example"
        )
        self.alice.types("git commit -q --allow-empty -m 'Start the overlay'")
        self.alice.types(
            f"trustacks rule new {RULE} --from change-calendar",
            says=[f"policy/{RULE}", f"{RULE}_test.rego"],
        )
        self.alice.types(
            f"git status -sb -uall; sed -n '/citation/,/}}/p' {self._file()}",
            says=[f"## policy/{RULE}", "CM-TICKET-REQUIRED-001"],
        )

    def step_5_test(self) -> None:
        """Tests pass, fail when one line is broken, and pass again."""
        self.alice.types(f"trustacks rule test {RULE}", says=["passed"])
        self._break()
        self.alice.types(
            f"trustacks rule test {RULE}",
            ends=1,
            says=[
                "FAIL test_denies_",
                "expected verdict: deny",
                "actual verdict:   allow",
            ],
        )
        self._mend()
        self.alice.types(f"trustacks rule test {RULE}", says=["passed"])

    def step_6_lint(self) -> None:
        """The linter passes the rule, and refuses a copy that leaves its package."""
        self.alice.types(f"trustacks rule lint {RULE}", says=["passed"])
        self.alice.types("mkdir ../copy && cp -r overlay ../copy/")
        leaf = RULE.replace(".", "_")
        copy = f"../copy/{self._file()}"
        self._edit(f"package overlay.{leaf}\n", "package proposal\n", copy)
        line = self._line("package ")
        self.alice.types(
            f"trustacks rule lint {RULE} --overlay ../copy",
            ends=1,
            says=[f"{RULE}.rego:{line}:", "package"],
        )

    def step_7_sign_and_release(self) -> None:
        """Signed only when test and lint pass; merged; released through TUF."""
        self._break()
        self.alice.types(
            f"trustacks rule sign {RULE}", ends=1, says=["[rule-tests-failed]"]
        )
        self._mend()
        self._sign_and_merge(RULE)
        shown = self.ci.types(
            "trustacks bundle release", says=["signing release/v1", "revision 1"]
        )
        self.archive = _field(shown, "archive")

    def step_8_activate(self) -> None:
        """The Runner refreshes, verifies and activates."""
        self.runner.types(
            "trustacks runner step --state runner",
            says=["accepted", "✓ release attestation", "activated", "revision 1"],
        )
        self.alice.types(
            "trustacks status",
            says=["active revision: 1", "runner runner-1: activated, revision 1"],
        )

    def step_9_decide(self) -> None:
        """Proposals are decided, each decision bound to the bundle's digest."""
        archive = self.archive
        self._propose("no-ticket", body="Three replicas.", branch="feature/scale")
        self._propose("in-body", body="Planned as CM-1234.", branch="feature/scale")
        self._propose("in-branch", body="Three replicas.", branch="CM-1234-scale")
        self.runner.types(
            "trustacks runner decide --state runner --input no-ticket.json",
            ends=1,
            says=["deny", RULE, "CM-TICKET-REQUIRED-001", archive],
        )
        for name in ("in-body", "in-branch"):
            self.runner.types(
                f"trustacks runner decide --state runner --input {name}.json",
                says=["allow", archive],
            )

    def step_10_attacks(self) -> None:
        """Attacks: each is refused with its code, and the last known good decides."""
        self._attack_unregistered_key()
        old = self.server.published("metadata/timestamp.json")
        kept = old.read_bytes()
        self.alice.types(f"trustacks rule new {SECOND} --from deploy-window")
        self._sign_and_merge(SECOND)
        self.ci.types("trustacks bundle release", says=["revision 2"])
        self._attack_one_byte()
        self.runner.types(
            "trustacks runner step --state runner", says=["activated", "revision 2"]
        )
        self._attack_old_timestamp(old, kept)

    def step_11_change(self) -> None:
        """A rule gets looser: marked by its author, approved by somebody else."""
        self._join(self.bob, "author", "approve")
        self.alice.types("git switch -q -c policy/status-page")
        self._edit(CONDITION, f"{CONDITION}{EXCEPTION}")
        self.alice.types(
            f"trustacks rule sign {RULE}", ends=1, says=["[change-not-marked]"]
        )
        self.alice.types(
            f"trustacks rule sign {RULE} --mark looser",
            says=["lint.change.verdict = looser"],
        )
        approve = f'trustacks rule approve {RULE} --justification "Agreed in CM-1234"'
        self.alice.types(approve, ends=1, says=["[approval-not-second]"])
        self.bob.types(
            f"{approve} --overlay policy",
            says=["witness looser: ", "loosens = True", "approved"],
        )
        self._merge("status-page")
        self.ci.types("trustacks bundle release", says=["revision 3", RULE])
        self.runner.types(
            "trustacks runner step --state runner",
            says=["looser, as approved by bob", "activated", "revision 3"],
        )

    def step_12_replay(self) -> None:
        """Evidence is exported, the Control Plane stops, an auditor replays offline."""
        self._invite(self.auditor, "auditor")
        self.auditor.types(
            f"trustacks login --url {self.url} --workspace acme --root acme.root.json"
            " --token-file auditor.token",
            says=["(auditor)"],
        )
        self.auditor.types("trustacks audit export --out evidence.tar")
        print("\noperator $ kill -TERM %1")
        self.server.stop()
        self.auditor.types("trustacks status", ends=3, says=["[unavailable]"])
        offline = "unshare -rn " if _can_unshare() else ""
        shown = self.auditor.types(
            f"{offline}trustacks audit replay evidence.tar", says=["accepted: "]
        )
        first = _plain(shown).partition("release 1: same")[2]
        first = first.partition("release 2: same")[0]
        for said in (
            "released by ci (ci@acme.example, external custody)",
            "activated by runner-1",
            "registered alice by control-plane-admin",
            "tested 12 cases passed",
            "checks passed, linter",
            "by alice (alice@acme.example, external custody)",
        ):
            if said not in first:
                raise DemoError(f"expected {said!r} of release 1, got none")

    # ------------------------------------------------------------ parts of steps

    def _join(self, person: Person, role: str, permission: str) -> None:
        """Give somebody a token and have their key registered."""
        self._invite(person, role)
        name, up = person.name, "../" if person.cwd == self.policy else ""
        person.types(
            f"trustacks login --url {self.url} --workspace acme"
            f" --root {up}acme.root.json --token-file {up}{name}.token",
            says=[f"({role})"],
        )
        person.types(f"trustacks keys create {name}", says=["PUBLIC KEY"])
        person.types(
            f"trustacks identity register {name} --principal {name}@acme.example"
            f" --permission {permission} --namespace acme --proof-out {up}{name}.proof",
            says=["signing identity-proof/v1", f"identity.id = {name}"],
        )
        self.admin.types(
            f"trustacks identity register --proof {name}.proof",
            says=["registered", f"{name}@acme.example"],
        )

    def _merge(self, name: str) -> None:
        self.alice.types(
            f"git add overlay && git commit -q -m 'Change {name}' && git switch -q main"
            f" && git merge -q --no-ff -m 'Merge policy/{name}' policy/{name}"
        )

    def _invite(self, person: Person, role: str) -> None:
        self.admin.types(
            f"trustacks workspace token create --role {role} --subject {person.name}"
            f" --out {person.name}.token",
            says=[f"({role})"],
        )

    def _file(self, rule: str = RULE) -> str:
        return f"overlay/rules/{rule}/{rule}.rego"

    def _line(self, start: str) -> int:
        lines = (self.policy / self._file()).read_text().splitlines()
        return next(i for i, text in enumerate(lines, 1) if text.startswith(start))

    def _break(self) -> None:
        self._edit(GOOD_LINE, BAD_LINE)

    def _mend(self) -> None:
        self._edit(BAD_LINE, GOOD_LINE)

    def _edit(self, old: str, new: str, name: str | None = None) -> None:
        """Change one line of a file, the rule's unless another is named; show how."""
        path = self.policy / (name or self._file())
        before = path.read_text()
        if before.count(old) != 1:
            raise DemoError(f"expected {old!r} once in {path.name}")
        path.write_text(before.replace(old, new))
        print(f"\nalice edits {name or self._file()}\n-{old}+{new}", end="", flush=True)

    def _sign_and_merge(self, rule: str) -> None:
        self.alice.types(
            f"trustacks rule sign {rule}",
            says=["signing rule/v1", f"rule_id = {rule}", "sigstore.json"],
        )
        self.alice.types(
            f"git add overlay && git commit -q -m 'Add {rule}' && git switch -q main"
            f" && git merge -q --no-ff -m 'Merge policy/{rule}' policy/{rule}"
            " && git log --oneline --graph"
        )

    def _propose(self, name: str, *, body: str, branch: str) -> None:
        change = {"path": "gitops/shop/prod/checkout/values.yaml", "content": "n: 3"}
        request = {
            "title": "Scale checkout",
            "body": body,
            "branch": branch,
            "labels": [],
            "author": "ada",
            "approvals": [],
        }
        context = {
            "platform_repo_url": "https://git.acme.example/platform",
            "target": {"name": "eu-1", "tier": "prod", "kind": "kubernetes"},
            "service": "checkout",
            "change_kind": "normal",
            "pull_request": request,
        }
        proposal = {"proposal": {"files": [change]}, "context": context}
        (self.scratch / f"{name}.json").write_text(json.dumps(proposal, indent=1))

    def _still_decides(self, revision: int) -> None:
        """Show that the last known good is what decides."""
        self.runner.types(
            "trustacks runner decide --state runner --input no-ticket.json",
            ends=1,
            says=["deny", RULE, f"by revision {revision}"],
        )

    def _attack_unregistered_key(self) -> None:
        """Mallory signs the rule with her own key: in the log, and in a release."""
        attestation = f"policy/{self._file()}".replace(".rego", ".sigstore.json")
        tool = f"python {ROOT / 'deploy' / 'demo_attack.py'}"
        shown = self.mallory.types(
            f"{tool} {attestation} forged.sigstore.json", ends=1, quiet=True
        )
        print(f"\nmallory $ python demo_attack.py {attestation} forged.sigstore.json")
        print(shown, end="")
        if "[unknown-signer]" not in shown:
            raise DemoError("expected [unknown-signer] from the Control Plane")
        name = attestation.removeprefix("policy/")
        self.ci.types(f"cp ../forged.sigstore.json {name}")
        self.ci.types("trustacks bundle release", ends=1, says=["[unknown-signer]"])
        self.ci.types(f"git checkout -q -- {name}")
        self._still_decides(1)

    def _attack_one_byte(self) -> None:
        """One byte of the published bundle is changed where the server keeps it."""
        bundle = self.server.published("targets/overlay/2/*.bundle.tar.gz")
        good = bundle.read_bytes()
        spot = len(good) // 2
        bad = good[:spot] + bytes([good[spot] ^ 1]) + good[spot + 1 :]
        print(f"\nmallory changes byte {spot} of {bundle.relative_to(self.scratch)}")
        bundle.write_bytes(bad)
        self.runner.types(
            "trustacks runner step --state runner", ends=1, says=["held", "[tuf-hash]"]
        )
        self._still_decides(1)
        bundle.write_bytes(good)

    def _attack_old_timestamp(self, timestamp: Path, old: bytes) -> None:
        """The timestamp from before revision 2 is put back."""
        new = timestamp.read_bytes()
        print("\nmallory puts back the timestamp.json from before revision 2")
        timestamp.write_bytes(old)
        self.runner.types(
            "trustacks runner step --state runner",
            ends=1,
            says=["held", "[tuf-rollback]"],
        )
        self._still_decides(2)
        timestamp.write_bytes(new)


def _plain(text: str) -> str:
    """Return text as one line with single blanks: columns may be of any width."""
    return " ".join(text.split())


def _field(shown: str, name: str) -> str:
    """Return a value that a command showed."""
    found = re.search(rf"^{name}:\s+(\S+)$", shown, re.MULTILINE)
    if not found:
        raise DemoError(f"expected {name} in the output, got none")
    return found[1]


def _can_unshare() -> bool:
    """Return whether this machine lets a person start a process without a network."""
    if shutil.which("unshare") is None:
        return False
    words = ["unshare", "-rn", "true"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


@contextlib.contextmanager
def scratch_folder(*, keep: bool) -> Iterator[Path]:
    """Give a scratch folder, removed afterwards unless it is to be kept."""
    folder = Path(tempfile.mkdtemp(prefix="trustacks-demo-")).resolve()
    try:
        yield folder
    finally:
        if keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Play the demo; return the exit code."""
    parser = argparse.ArgumentParser(description="The workshop, end to end.")
    parser.add_argument("--keep", action="store_true", help="keep the scratch folder")
    keep = parser.parse_args().keep
    began = time.monotonic()
    with scratch_folder(keep=keep) as scratch:
        server = Server(scratch)
        try:
            Demo(scratch, server).play()
        except (DemoError, subprocess.TimeoutExpired) as error:
            print(f"\ndemo: failed: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("\ndemo: interrupted", file=sys.stderr)
            return 3
        finally:
            server.stop()
    print(f"\ndemo: all 12 steps did what they say, {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
