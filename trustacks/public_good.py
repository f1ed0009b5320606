# SPDX-License-Identifier: Apache-2.0
"""The public-good Sigstore instance: its trusted root and services, by TUF.

The root that its TUF repository is verified against is the one that the package
``sigstore`` ships; the package is read and not imported. What was fetched before is not
taken without being refreshed: who signs now must know the services of now.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote

from tuf.api.exceptions import DownloadError, RepositoryError
from tuf.ngclient.config import UpdaterConfig
from tuf.ngclient.updater import Updater

from bundle.tuf.http import HttpFetcher
from keys.durable import make_directory, read_file
from keys.errors import StorageError, UnavailableError, VerificationError
from signer.keyless.errors import KeylessMissingError
from signer.keyless.limits import MAX_SIGNING_CONFIG_BYTES
from signer.limits import MAX_TRUSTED_ROOT_BYTES

URL: Final = "https://tuf-repo-cdn.sigstore.dev"
# Bytes. The root that is shipped has 5 KB.
_MAX_ROOT_BYTES: Final = 512_000
_ROOT, _CONFIG = "trusted_root.json", "signing_config.v0.2.json"


class PublicGoodUnavailableError(UnavailableError):
    """The public-good instance's TUF repository cannot be reached."""

    code = "public-good-unavailable"


class PublicGoodRefusedError(VerificationError):
    """What was served as the public-good instance's does not verify."""

    code = "public-good-refused"


@dataclass(frozen=True, slots=True)
class PublicGood:
    """The instance.

    Attributes:
        trusted_root: Its TrustedRoot, as its TUF repository has it now.
        signing_config: Its SigningConfig.
    """

    trusted_root: bytes
    signing_config: bytes

    @classmethod
    def fetch(cls, home: Path, *, url: str = URL, root: bytes | None = None) -> Self:
        """Fetch the documents of now.

        Args:
            home: A folder for TUF's metadata.
            url: The repository.
            root: Its pinned root; the shipped one by default.

        Raises:
            PublicGoodUnavailableError: It cannot be reached.
            PublicGoodRefusedError: What is served does not verify.
            KeylessMissingError: The extra ``keyless`` is not installed.
        """
        make_directory(home, mode=0o700)
        try:
            updater = _updater(home, url, root or shipped_root())
            updater.refresh()
            return cls(
                trusted_root=_target(updater, _ROOT, MAX_TRUSTED_ROOT_BYTES),
                signing_config=_target(updater, _CONFIG, MAX_SIGNING_CONFIG_BYTES),
            )
        except DownloadError as error:
            raise PublicGoodUnavailableError(
                f"expected the public-good instance at {url}, got no answer",
                hint="offline, name files: --trusted-root FILE --signing-config FILE",
            ) from error
        except RepositoryError as error:
            raise PublicGoodRefusedError(f"{url}: {error}") from error
        except OSError as error:
            raise StorageError(f"{home}: {error.strerror}") from error


def shipped_root() -> bytes:
    """Return the root of the repository that the package ``sigstore`` ships.

    Raises:
        KeylessMissingError: It is not installed.
    """
    package = importlib.util.find_spec("sigstore")
    places = package.submodule_search_locations if package else None
    if not places:
        raise KeylessMissingError(
            "expected the package sigstore, got none",
            hint="pip install 'trustacks[keyless]'",
        )
    folder = Path(places[0]) / "_store" / quote(URL, safe="")
    return read_file(folder / "root.json", max_bytes=_MAX_ROOT_BYTES)


def _updater(home: Path, url: str, root: bytes) -> Updater:
    metadata, targets = home / "metadata", home / "targets"
    for folder in (metadata, targets):
        make_directory(folder, mode=0o700)
    return Updater(
        str(metadata),
        f"{url}/",
        str(targets),
        f"{url}/targets/",
        fetcher=HttpFetcher(),
        config=UpdaterConfig(),
        bootstrap=root,
    )


def _target(updater: Updater, name: str, max_bytes: int) -> bytes:
    found = updater.get_targetinfo(name)
    if found is None or found.length > max_bytes:
        raise RepositoryError(f"expected {name} of at most {max_bytes} bytes")
    path = updater.find_cached_target(found) or updater.download_target(found)
    return read_file(Path(path), max_bytes=max_bytes)
