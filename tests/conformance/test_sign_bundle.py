# SPDX-License-Identifier: Apache-2.0
"""``sign-bundle`` of the suite's command protocol, at a simulated instance.

The same at real services is in ``tests/interop/test_peers_conformance.py``.
"""

import pytest

from tests.conformance.sigstore_client import main
from tests.simulators.sigstore import statement
from tests.simulators.sigstore_http import ALICE, SigstoreHttp, status


@pytest.fixture
def instance(tmp_path):
    with SigstoreHttp().serving() as running:
        (tmp_path / "root.json").write_bytes(running.trusted_root())
        (tmp_path / "config.json").write_bytes(running.signing_config())
        (tmp_path / "file").write_bytes(b"a file")
        (tmp_path / "said").write_bytes(statement(b"a file", predicate={"ok": True}))
        yield running


def sign(instance, tmp_path, name, *more, token=None) -> int:
    return main(
        *("sign-bundle", *more, "--identity-token", token or instance.token()),
        *("--bundle", str(tmp_path / f"{name}.json")),
        *("--trusted-root", str(tmp_path / "root.json")),
        *("--signing-config", str(tmp_path / "config.json")),
        str(tmp_path / name),
    )


def verify(instance, tmp_path, name, file="file", subject=ALICE) -> int:
    return main(
        *("verify-bundle", "--bundle", str(tmp_path / f"{name}.json")),
        *("--certificate-identity", subject),
        *("--certificate-oidc-issuer", instance.issuer),
        *("--trusted-root", str(tmp_path / "root.json")),
        str(tmp_path / file),
    )


@pytest.mark.parametrize(("name", "more"), [("file", ()), ("said", ("--in-toto",))])
def test_what_is_signed_verifies(instance, tmp_path, name, more):
    assert sign(instance, tmp_path, name, *more) == 0
    assert verify(instance, tmp_path, name) == 0
    assert verify(instance, tmp_path, name, subject="bob@example.com") == 1
    assert verify(instance, tmp_path, name, file="root.json") == 1


def test_what_is_refused_leaves_no_bundle(instance, tmp_path, capsys):
    assert sign(instance, tmp_path, "file", token="a.b.c") == 1
    instance.faults["tsa"] = [status(403)]
    assert sign(instance, tmp_path, "file") == 1
    assert "stamping-refused" in capsys.readouterr().err
    assert not (tmp_path / "file.json").exists()
    assert instance.entries == 0
