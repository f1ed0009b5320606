# SPDX-License-Identifier: Apache-2.0
"""The signing half of sigstore-conformance's protocol, at real services.

The suite signs at the public-good instance, which tests of ours do not reach; here its
commands do what it asks of them at an instance of the same programs.
"""

import subprocess
from pathlib import Path

import pytest

from tests.simulators.sigstore import statement

pytestmark = pytest.mark.interop
CLIENT = Path(__file__).parents[1] / "conformance/sigstore_client"
FILE = b"a file of the suite"
TYPE = "https://example.com/built/v1"


@pytest.fixture(params=["person", "workload"])
def account(request, instance):
    return getattr(instance, request.param)


@pytest.fixture
def client(instance, account, tmp_path):
    """Run the client as the suite does; return its exit code."""
    (tmp_path / "file").write_bytes(FILE)
    (tmp_path / "statement").write_bytes(statement(FILE))
    (tmp_path / "other").write_bytes(b"another file")
    root = f"--trusted-root={instance.trusted_root_file}"

    def run(command, file, *words):
        bundle = f"--bundle={tmp_path / 'bundle'}"
        line = [CLIENT, command, bundle, root, *words, tmp_path / file]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode

    return run


def _signing(instance, account):
    config = f"--signing-config={instance.signing_config_file}"
    return f"--identity-token={account.token()}", config


@pytest.mark.parametrize("in_toto", [False, True])
def test_what_it_signs_it_and_cosign_verify(instance, account, client, cosign, in_toto):
    more, what = (("--in-toto",), "statement") if in_toto else ((), "file")
    attested = ("verify-blob-attestation", f"--type={TYPE}")
    command = attested if in_toto else ("verify-blob",)
    where = (f"--bundle={cosign.home / 'bundle'}",)
    root = f"--trusted-root={instance.trusted_root_file}"

    assert client("sign-bundle", what, *_signing(instance, account), *more) == 0
    assert client("verify-bundle", "file", *account.flags) == 0
    assert client("verify-bundle", "other", *account.flags) == 1
    cosign(*command, *where, root, *account.flags, cosign.home / "file")


def test_a_token_that_nobody_issued_signs_nothing(instance, account, client, tmp_path):
    head, body, _ = account.token().split(".")
    config = f"--signing-config={instance.signing_config_file}"
    forged = f"--identity-token={head}.{body}.{'A' * 86}"

    assert client("sign-bundle", "file", forged, config) == 1
    assert not (tmp_path / "bundle").exists()
