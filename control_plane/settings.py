# SPDX-License-Identifier: Apache-2.0
"""What an operator may choose. Read once, frozen, passed down; secrets are masked.

Every setting has an environment variable ``TRUSTACKS_<NAME>``; arguments of the
command line win over it. The passphrase file's is ``TRUSTACKS_SERVER_PASSPHRASE_FILE``,
because without ``SERVER`` it is of a person's own keys, on the same machine often. No
other module of the service reads the environment.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

from bundle.storage.bucket import Location
from control_plane import limits
from keys.errors import ConfigurationError
from keys.loopback import is_loopback
from signer.credential import require_issuer
from signer.errors import UnsafeIssuerError

PREFIX: Final = "TRUSTACKS_"
_VARIABLES: Final = {"passphrase_file": "SERVER_PASSPHRASE_FILE"}
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,190}[a-z0-9])?")
_MAX_PORT: Final = 65535
_SWITCH: Final = ("auto", "off", "on")
_PATHS: Final = frozenset({"state", "passphrase_file", "keys_file", "pkcs11_module"})
_TEXTS: Final = frozenset(
    {
        "host",
        "public_host",
        "public_url",
        "s3_endpoint_url",
        "s3_region",
        "sigstore",
        "storage",
    }
)


class Masked(str):
    """A text that does not show itself in ``repr``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one server.

    Attributes:
        state: The directory that holds everything; one server at a time.
        host: The address to listen on.
        port: The TCP port; 0 lets the system choose.
        public_host: The last labels of every log's origin, ``<ws>.log.<public_host>``.
            Signed for ever: choose it before the first workspace.
        database_url: The registry's SQLAlchemy URL; SQLite in ``state`` by default.
        passphrase_file: Of the encrypted keys; ``state/passphrase`` by default.
        keys_file: Which keys lie in a KMS or HSM (``control_plane.key_places``).
        pkcs11_module: The library of an HSM, for key URIs that name none.
        max_body_bytes: The largest request body, bytes.
        threads: Requests worked on at once, and database connections.
        releases_listed: The newest revisions that the release role lists.
        storage: ``s3://BUCKET/PREFIX`` for TUF, log and attestations; in ``state`` by
            default. Credentials are boto3's own matter.
        s3_endpoint_url: Of a server that is not Amazon's.
        s3_region: Of the bucket.
        garbage_grace_seconds: How long what nobody needs stays; 0 deletes nothing.
        sigstore: Whether the embedded Sigstore instance runs: ``on``, ``off``, or
            ``auto``: with everything else embedded and on this machine only.
        public_url: The address that clients reach the server at; by default host and
            port. The embedded OIDC issuer's name: in certificates for ever.
    """

    state: Path
    host: str = "127.0.0.1"
    port: int = 8080
    public_host: str = "localhost"
    database_url: Masked = field(default=Masked(""))
    passphrase_file: Path | None = None
    keys_file: Path | None = None
    pkcs11_module: Path | None = None
    max_body_bytes: int = limits.MAX_BODY_BYTES
    threads: int = limits.DEFAULT_THREADS
    releases_listed: int = limits.DEFAULT_RELEASES_LISTED
    storage: str = ""
    s3_endpoint_url: str = ""
    s3_region: str = ""
    garbage_grace_seconds: int = limits.GARBAGE_GRACE_SECONDS
    sigstore: str = "auto"
    public_url: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= _MAX_PORT:
            raise ConfigurationError(
                f"port: expected 0 to {_MAX_PORT}, got {self.port}"
            )
        if not _HOST.fullmatch(self.public_host):
            raise ConfigurationError(
                f"public_host: expected a host name, got {self.public_host!r}"
            )
        for name in ("max_body_bytes", "threads", "releases_listed"):
            if getattr(self, name) < 1:
                raise ConfigurationError(
                    f"{name}: expected at least 1, got {getattr(self, name)}"
                )
        grace = self.garbage_grace_seconds
        if grace and grace < limits.MIN_GARBAGE_GRACE_SECONDS:
            raise ConfigurationError(
                "garbage_grace_seconds: expected 0 or at least "
                f"{limits.MIN_GARBAGE_GRACE_SECONDS}, got {grace}"
            )
        _check_url(self.database_url)
        _check_storage(self)
        _check_sigstore(self)

    @classmethod
    def read(cls, environ: Mapping[str, str] | None = None, **chosen: object) -> Self:
        """Read the settings: ``chosen`` first, then the environment, then defaults.

        Args:
            environ: The environment; the process's own by default.
            **chosen: Settings by name; ``None`` means not chosen.

        Raises:
            ConfigurationError: A value that cannot be, or no state directory.
        """
        source = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        for setting in fields(cls):
            value = chosen.get(setting.name)
            if value is None:
                value = source.get(_variable(setting.name))
            if value is not None:
                values[setting.name] = _convert(setting.name, value)
        if "state" not in values:
            raise ConfigurationError(
                "state: expected a directory, got none",
                hint="pass --state DIR or set TRUSTACKS_STATE",
            )
        return cls(**values)

    @property
    def registry_url(self) -> Masked:
        """The URL of the registry, the default filled in."""
        return self.database_url or Masked(
            f"sqlite:///{self.state.absolute() / 'registry.sqlite3'}"
        )

    @property
    def url(self) -> str:
        """The address that clients reach this server at."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"

    @property
    def runs_sigstore(self) -> bool:
        """Whether the embedded Sigstore instance runs."""
        embedded = not (self.database_url or self.storage)
        here = embedded and is_loopback(self.host)
        return self.sigstore == "on" or (self.sigstore == "auto" and here)


def _variable(name: str) -> str:
    return PREFIX + _VARIABLES.get(name, name.upper())


def _convert(name: str, value: object) -> object:
    if name in _PATHS:
        return Path(str(value))
    if name == "database_url":
        return Masked(str(value))
    if name in _TEXTS:
        return str(value)
    try:
        return int(str(value))
    except ValueError:
        raise ConfigurationError(
            f"{name}: expected a whole number, got {str(value)[:40]!r}"
        ) from None


def _check_url(url: str) -> None:
    if url and urlsplit(url).scheme.partition("+")[0] not in ("sqlite", "postgresql"):
        raise ConfigurationError(
            "database_url: expected sqlite: or postgresql:, got another scheme"
        )


def _check_storage(settings: Settings) -> None:
    endpoint = settings.s3_endpoint_url
    url = urlsplit(endpoint)
    if endpoint and not (url.scheme in ("http", "https") and url.hostname):
        raise ConfigurationError(
            "s3_endpoint_url: expected http:// or https:// and a host, got another URL"
        )
    if settings.storage:
        Location.parse(settings.storage)
    elif endpoint or settings.s3_region:
        raise ConfigurationError(
            "storage: expected s3://BUCKET/PREFIX beside S3's endpoint, got none",
            hint="set TRUSTACKS_STORAGE",
        )


def _check_sigstore(settings: Settings) -> None:
    if settings.sigstore not in _SWITCH:
        raise ConfigurationError(
            f"sigstore: expected {', '.join(_SWITCH)}, got {settings.sigstore[:40]!r}"
        )
    if settings.public_url.endswith("/"):
        raise ConfigurationError(
            "public_url: expected an address without a slash at its end, got one"
        )
    if settings.public_url or settings.runs_sigstore:
        try:
            require_issuer(settings.url)
        except UnsafeIssuerError as error:
            raise ConfigurationError(
                f"public_url: expected https, or http on this machine, "
                f"got {settings.url[:80]!r}",
                hint="set TRUSTACKS_PUBLIC_URL to what clients call",
            ) from error
