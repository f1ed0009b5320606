# SPDX-License-Identifier: Apache-2.0
"""Rules of every test run: no traffic off this machine, and no skip unseen.

``TRUSTACKS_REFUSE_SKIPS=1`` (set by ``.ci/run``) turns a skip into a failure, except
for the conformance cases, which are data that stays outside the project.
"""

import contextlib
import itertools
import os
import sys

import pytest

# Cases that stay outside the project, and the variable that says where they are.
_ALLOWED_SKIPS = {
    "SKIPPED: conformance cases absent": "SIGSTORE_CONFORMANCE_CASES",
    "SKIPPED: tuf-conformance suite absent": "TUF_CONFORMANCE_SUITE",
}
_LOOPBACK = ("127.", "::1", "localhost")
_refused_skips: list[str] = []


def _guard(event, args):
    if event == "socket.connect" and isinstance(args[1], tuple):
        host = str(args[1][0])
        if not host.startswith(_LOOPBACK):
            raise AssertionError(f"a test tried to reach {host}")


sys.addaudithook(_guard)


def _allowed(reason: str) -> bool:
    return any(
        said in reason and not os.environ.get(variable)
        for said, variable in _ALLOWED_SKIPS.items()
    )


def pytest_runtest_logreport(report):
    if report.skipped and os.environ.get("TRUSTACKS_REFUSE_SKIPS") == "1":
        reason = str(report.longrepr)
        if not hasattr(report, "wasxfail") and not _allowed(reason):
            _refused_skips.append(f"{report.nodeid}: {reason}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    if _refused_skips and exitstatus == 0:
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter):
    for line in _refused_skips:
        terminalreporter.write_line(f"REFUSED SKIP {line}", red=True)


@pytest.fixture(scope="session")
def s3_server():
    """A bucket server on loopback; moto is loaded only for the tests that ask."""
    from tests.simulators.s3 import CREDENTIALS, serve_s3  # noqa: PLC0415

    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        with serve_s3() as server:
            yield server


_buckets = itertools.count(1)


@pytest.fixture
def s3(s3_server):
    """The server, without faults, and a bucket of the test's own."""
    s3_server.begin(f"bucket-{next(_buckets)}")
    yield s3_server
    s3_server.door.heal()


@pytest.fixture(scope="session")
def postgresql():
    """A PostgreSQL cluster of the test run's own."""
    from tests.simulators.postgres import run_postgresql  # noqa: PLC0415

    with contextlib.ExitStack() as stack:
        try:
            found = stack.enter_context(run_postgresql())
        except FileNotFoundError as absent:
            pytest.skip(str(absent))
        yield found


@pytest.fixture
def postgresql_url(postgresql):
    """A new database."""
    return postgresql.new_database()


@pytest.fixture(scope="session")
def kms_server():
    """AWS KMS on loopback."""
    from tests.simulators.kms import serve_kms  # noqa: PLC0415
    from tests.simulators.s3 import CREDENTIALS  # noqa: PLC0415

    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        with serve_kms() as server:
            yield server


@pytest.fixture
def kms(kms_server):
    """AWS KMS, without faults."""
    kms_server.door.begin()
    yield kms_server
    kms_server.door.heal()


@pytest.fixture(scope="session")
def hsm(tmp_path_factory):
    """SoftHSM2 with tokens of the test run's own."""
    from tests.simulators.hsm import run_hsm  # noqa: PLC0415

    with contextlib.ExitStack() as stack:
        try:
            found = stack.enter_context(run_hsm(tmp_path_factory.mktemp("hsm")))
        except FileNotFoundError as absent:
            pytest.skip(str(absent))
        yield found


@pytest.fixture
def vault(monkeypatch):
    """Vault's transit engine on loopback, as the environment names it."""
    from tests.simulators.vault import TOKEN, serve_vault  # noqa: PLC0415

    with serve_vault() as server:
        monkeypatch.setenv("VAULT_ADDR", server.url)
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        yield server
