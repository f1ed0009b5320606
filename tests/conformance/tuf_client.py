# SPDX-License-Identifier: Apache-2.0
"""The client half of the Runner, under the command protocol of tuf-conformance.

Everything that the Runner fetches with is the real thing: its HTTP, its deadline, its
bounds, its lock, its second question, the pinned root at every start. Two things that
are the Runner's alone are off, because the suite's repositories are not workspaces: the
judgement of roots (custody, thresholds, one purpose per key) and the depth of one
delegation. They have tests of their own.

    tuf_client --metadata-dir D init ROOT
    tuf_client --metadata-dir D --metadata-url U refresh
    tuf_client ... --target-name P... --target-dir T --target-base-url B download
"""

import argparse
import dataclasses
import sys
from pathlib import Path

from tuf.api.metadata import Metadata, Root
from tuf.ngclient.config import UpdaterConfig
from tuf.ngclient.updater import Updater

from bundle.limits import REFRESH_DEADLINE_S
from bundle.tuf.client import CONFIG, ask_again
from bundle.tuf.guard import GuardedFetcher, translated
from bundle.tuf.http import HttpFetcher
from keys.durable import read_file, write_file
from keys.errors import NotFoundError, TrustacksError
from keys.lock import exclusive

_MAX_ROOT_BYTES = 512_000
_ANY_DEPTH = dataclasses.replace(CONFIG, max_delegations=UpdaterConfig.max_delegations)


class Client:
    """One client and its directory."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._given = arguments
        self._metadata = Path(arguments.metadata_dir)
        # Not a .json: the suite takes those for metadata.
        self._pinned = self._metadata / "pinned"

    def init(self) -> None:
        root = read_file(Path(self._given.trusted_root), max_bytes=_MAX_ROOT_BYTES)
        write_file(self._pinned, root)
        write_file(self._metadata / "root.json", root)

    def refresh(self) -> None:
        with translated("refresh"):
            self._updater().refresh()

    def download(self) -> None:
        updater = self._updater()
        with translated("download"):
            updater.refresh()
            for name in self._given.target_name:
                info = updater.get_targetinfo(name)
                if info is None:
                    raise NotFoundError(f"expected a target {name}, got none")
                if not updater.find_cached_target(info):
                    updater.download_target(info)

    def run(self) -> None:
        if self._given.command == "init":
            self.init()
            return
        work = self.refresh if self._given.command == "refresh" else self.download
        with exclusive(self._metadata / ".lock", wait=True):
            ask_again(work)

    def _updater(self) -> Updater:
        root = read_file(self._pinned, max_bytes=_MAX_ROOT_BYTES)
        fetcher = GuardedFetcher(
            HttpFetcher(),
            deadline_s=REFRESH_DEADLINE_S,
            history=self._metadata / "root_history",
            pinned=Metadata[Root].from_bytes(root).signed.version,
            judge=lambda _: None,
        )
        return Updater(
            str(self._metadata),
            self._given.metadata_url,
            self._given.target_dir,
            self._given.target_base_url,
            fetcher=fetcher,
            config=_ANY_DEPTH,
            bootstrap=root,
        )


def main() -> int:
    parser = argparse.ArgumentParser()
    for name in ("metadata-dir", "metadata-url", "target-dir", "target-base-url"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--target-name", action="append", default=[])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("init").add_argument("trusted_root")
    commands.add_parser("refresh")
    commands.add_parser("download")
    try:
        Client(parser.parse_args()).run()
    except TrustacksError as error:
        sys.stderr.write(f"{error.code}: {error.message}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
