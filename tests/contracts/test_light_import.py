# SPDX-License-Identifier: Apache-2.0
"""Verifier, Runner and replay stand without server, client or cloud libraries."""

import subprocess
import sys
from pathlib import Path

from bundle.rego.embedded import EmbeddedEngine
from bundle.runner.store import store_release
from tests.simulators.signing import NOW
from tests.simulators.workspace import SimulatedWorkspace

ROOT = Path(__file__).parents[2]

BLOCKED = (
    "fastapi",
    "starlette",
    "uvicorn",
    "sqlalchemy",
    "alembic",
    "boto3",
    "botocore",
    "httpx",
    "click",
    "rich",
    "pkcs11",
    "sigstore",
    "yaml",
)

PROGRAM = f"""
import sys
for name in {BLOCKED!r}:
    sys.modules[name] = None  # importing it is an ImportError

from pathlib import Path
import trustacks
for name in trustacks.__all__:
    getattr(trustacks, name)
from datetime import datetime
from bundle.runner.store import load_release
from keys.digest import Digest
folder, digest, at = sys.argv[1:]
candidate = load_release(Path(folder), Digest(digest))
with trustacks.Verifier(root=candidate.roots[0]) as verifier:
    judged = verifier.verify(candidate, at=datetime.fromisoformat(at))
print(judged.result.text())
raise SystemExit(0 if judged else 1)
"""

LAZY = """
import sys
import trustacks
heavy = {"cryptography", "tuf", "regorus", "jsonschema", "bundle"} & set(sys.modules)
raise SystemExit(", ".join(sorted(heavy)) if heavy else 0)
"""


def run(program, *arguments):
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_real_release_is_verified_with_everything_else_blocked(tmp_path):
    with EmbeddedEngine() as engine:
        house = SimulatedWorkspace(NOW, engine)
        release = house.release(house.rule())
    store_release(tmp_path, release.digest, house.candidate())
    done = run(PROGRAM, str(tmp_path), release.digest.hex, NOW.isoformat())
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("accepted")


def test_importing_the_package_loads_nothing_heavy():
    done = run(LAZY)
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_there_and_no_other():
    done = run(
        "import trustacks\n"
        "assert all(hasattr(trustacks, n) for n in trustacks.__all__)\n"
        "assert not hasattr(trustacks, 'nothing')\n"
        "assert set(trustacks.__all__) <= set(dir(trustacks))\n"
    )
    assert done.returncode == 0, done.stderr
