# SPDX-License-Identifier: Apache-2.0
"""A Runner beside a Control Plane in one process, and one release on its way."""

from collections.abc import Iterator
from pathlib import Path

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient.fetcher import FetcherInterface

from bundle.runner.runner import Runner
from keys.strict import b64decode
from signer.attestation import parse_attestation
from tests.simulators.http import AsgiClient
from tests.simulators.service import ControlPlane, Workspace

HOST = "http://plane.example"
ROLES = ("author", "release")


class AppFetcher(FetcherInterface):
    """Fetches from a server in this process."""

    def __init__(self, http: AsgiClient) -> None:
        self._http = http

    def _fetch(self, url: str) -> Iterator[bytes]:
        answer = self._http.get(url.removeprefix(HOST), token=None)
        if answer.status_code != 200:
            raise DownloadHTTPError(url, answer.status_code)
        return iter([answer.content])


def runner_of(server: ControlPlane, workspace: Workspace, state: Path) -> Runner:
    """A Runner that is pinned to a workspace."""
    shown = server.http.get(workspace.path).json()
    return Runner(
        state=state,
        root=b64decode(shown["root"]),
        url=f"{HOST}/w/{workspace.name}",
        fetcher=AppFetcher(server.http),
        engine=server.services.engine,
    )


def release(workspace: Workspace, *, revision, predecessor=None, names=("jane", "rel")):
    """Register an author and a release identity, and publish a rule of theirs."""
    author, releaser = (
        workspace.register(n, p) for n, p in zip(names, ROLES, strict=1)
    )
    rule = workspace.rule(author)
    request = workspace.release_request(
        releaser, rule, revision=revision, predecessor=predecessor
    )
    answer = workspace.publish(request)
    assert answer.status_code == 201, answer.text
    return parse_attestation(b64decode(request["release"])).digest, rule, releaser
