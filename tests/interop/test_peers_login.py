# SPDX-License-Identifier: Apache-2.0
"""Stock cosign asks a person who they are: in a browser, or with a code elsewhere.

At the embedded instance, by the pages that a person sees, with the API token that they
have; cosign knows nothing of either.
"""

import contextlib
import os
import re
import select
import subprocess
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from signer.signer_policy import IdentityPolicy
from signer.subject_pattern import SubjectPattern
from signer.trusted_root import TrustedRoot
from signer.verify_bundle import verify_bundle
from tests.interop.peers.browser import install_browser, log_in
from tests.interop.peers.process import environment, stop, words_of
from tests.simulators.plane import planted

pytestmark = pytest.mark.interop
DATA = b"a file that Alice signs"
ALICE = "alice@acme.localhost"
# A device waits 5 seconds, and after "slow_down" 5 more (RFC 8628 §3.5).
_WAITS_S = 10.5
_LINK = re.compile(r"http://\S+/oidc/device\S*")


@pytest.fixture(scope="module")
def plane(peers, tmp_path_factory):
    with planted(tmp_path_factory.mktemp("plane")) as running:
        yield running


@pytest.fixture
def here(plane, tmp_path):
    plane.alice.must("sigstore", "trusted-root", "--out", tmp_path / "root.json")
    plane.alice.must("sigstore", "signing-config", "--out", tmp_path / "config.json")
    (tmp_path / "file").write_bytes(DATA)
    return tmp_path


def cosign(here, flow, path):
    """Begin to sign, as somebody at a terminal."""
    words = (
        "sign-blob",
        f"--fulcio-auth-flow={flow}",
        "--signing-config=config.json",
        "--trusted-root=root.json",
        "--bundle=bundle.json",
        "--yes",
        "file",
    )
    return subprocess.Popen(
        words_of("cosign", words),
        cwd=here,
        env=environment(here) | {"PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def require_signed_by_alice(here, plane):
    verify_bundle(
        (here / "bundle.json").read_bytes(),
        artifact=DATA,
        trusted_root=TrustedRoot.parse((here / "root.json").read_bytes()),
        policy=IdentityPolicy(
            issuer=plane.url, subject=SubjectPattern.exactly(ALICE), authorities=1
        ),
    ).require()


def test_in_a_browser(plane, here):
    token = plane.root.with_name("alice.token")
    browser = install_browser(here / "bin", token)
    process = cosign(here, "normal", f"{browser}{os.pathsep}{os.environ['PATH']}")
    try:
        said, _ = process.communicate(timeout=120)
    finally:
        stop(process)

    assert process.returncode == 0, said
    assert token.read_text().strip() not in said
    require_signed_by_alice(here, plane)


def test_with_a_code_on_another_device(plane, here):
    token = plane.root.with_name("alice.token").read_text().strip()
    process = cosign(here, "device", os.environ["PATH"])
    said = []
    try:
        for line in process.stdout:
            said.append(line)
            if found := _LINK.search(line):
                assert ALICE in log_in(found[0], token)
        process.wait(120)
    finally:
        stop(process)
        process.stdout.close()

    assert process.returncode == 0, "".join(said)
    require_signed_by_alice(here, plane)


def test_a_connection_outlives_the_time_that_a_device_waits(plane):
    """cosign asks again on the same one, and takes no closed one for an answer."""
    address = urlsplit(plane.url)
    connection = HTTPConnection(address.hostname, address.port, timeout=30)
    with contextlib.closing(connection):
        for _ in range(2):
            connection.request("GET", "/.well-known/openid-configuration")
            assert connection.getresponse().read()
            closed, _, _ = select.select([connection.sock], [], [], _WAITS_S)
            assert not closed
