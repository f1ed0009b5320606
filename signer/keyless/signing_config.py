# SPDX-License-Identifier: Apache-2.0
"""Sigstore's SigningConfig: which services sign, and how many of a kind are asked.

It says where to go, never whom to believe: what comes back is verified against a
trusted root. A selector that cannot be met is refused, and not bent (``ALL`` of two
logs is not one).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self
from urllib.parse import urlsplit

from keys.fields import Fields
from keys.loopback import is_loopback
from keys.strict import loads_json
from signer.keyless.errors import (
    NoServiceError,
    SigningConfigFormatError,
    SigningConfigUnsupportedError,
    UnsafeServiceError,
)
from signer.keyless.limits import (
    MAX_SERVICES,
    MAX_SIGNING_CONFIG_BYTES,
    MAX_URL_CHARS,
)
from signer.trusted_parts import Window
from signer.trusted_read import read_window

MEDIA_TYPE: Final = "application/vnd.dev.sigstore.signingconfig.v0.2+json"
ALL, ANY, EXACT = "ALL", "ANY", "EXACT"
_SELECTORS: Final = (ALL, ANY, EXACT)
# Major versions of each API that this client speaks.
CA_VERSIONS: Final = frozenset({1})
OIDC_VERSIONS: Final = frozenset({1})
LOG_VERSIONS: Final = frozenset({1, 2})
TSA_VERSIONS: Final = frozenset({1})


@dataclass(frozen=True, slots=True)
class Service:
    """One service of an instance.

    Attributes:
        url: Its address, path included, without a slash at the end.
        version: The major version of its API.
        window: When it is to be used.
        operator: Who runs it; of one operator one service is asked.
    """

    url: str
    version: int
    window: Window
    operator: str


@dataclass(frozen=True, slots=True)
class Selection:
    """The services of one kind to ask, in order.

    Attributes:
        services: One of each operator.
        needed: How many of them must answer.
    """

    services: tuple[Service, ...]
    needed: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many services of a kind are asked.

    Attributes:
        selector: ALL, ANY or EXACT.
        count: With EXACT.
    """

    selector: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class SigningConfig:
    """The services of a Sigstore instance.

    Attributes:
        authorities: Certificate authorities (Fulcio).
        issuers: OIDC issuers for people.
        logs: Transparency logs (Rekor), and how many must have the signature.
        stamps: Timestamp authorities, and how many must stamp it.
    """

    authorities: tuple[Service, ...]
    issuers: tuple[Service, ...]
    logs: tuple[Service, ...]
    log_wanted: Wanted
    stamps: tuple[Service, ...]
    stamp_wanted: Wanted

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Parse a SigningConfig v0.2.

        Raises:
            FormatError: Not one, larger than any, an unknown field or selector, or a
                count where none belongs.
            UnsafeServiceError: An address that is not https, or holds more.

        Source: sigstore protobuf-specs, sigstore_trustroot.proto, SigningConfig.
        """
        what = "signing config"
        value = loads_json(data, max_bytes=MAX_SIGNING_CONFIG_BYTES, what=what)
        fields = Fields(value, what)
        fields.constant("mediaType", MEDIA_TYPE)
        config = cls(
            authorities=_services(fields, "caUrls"),
            issuers=_services(fields, "oidcUrls"),
            logs=_services(fields, "rekorTlogUrls"),
            log_wanted=_wanted(fields, "rekorTlogConfig"),
            stamps=_services(fields, "tsaUrls"),
            stamp_wanted=_wanted(fields, "tsaConfig"),
        )
        fields.done()
        return config

    def certificate_authority(self, at: datetime) -> Service:
        """Return the certificate authority to ask.

        Raises:
            NoServiceError: There is none now.
        """
        return _newest(self.authorities, CA_VERSIONS, at, "certificate authority")

    def issuer(self, at: datetime) -> Service:
        """Return the OIDC issuer that people log in at.

        Raises:
            NoServiceError: There is none now.
        """
        return _newest(self.issuers, OIDC_VERSIONS, at, "OIDC issuer")

    def log(self, at: datetime) -> Service:
        """Return the log to write to.

        Raises:
            NoServiceError: There are fewer than are asked for.
            SigningConfigUnsupportedError: More than one is: the Python client writes
                one entry, and one entry where two are asked for is less than that.
        """
        what = "transparency log"
        chosen = _select(self.logs, LOG_VERSIONS, self.log_wanted, at, what)
        if chosen.needed != 1:
            raise SigningConfigUnsupportedError(
                f"signing config: expected one log to write to, got {chosen.needed}",
                hint="rekorTlogConfig: ANY, or EXACT 1",
            )
        return chosen.services[0]

    def timestamp_authorities(self, at: datetime) -> Selection:
        """Return the timestamp authorities to ask.

        Raises:
            NoServiceError: There are fewer than are asked for, or none.
        """
        what = "timestamp authority"
        return _select(self.stamps, TSA_VERSIONS, self.stamp_wanted, at, what)


def checked_url(url: str) -> str:
    """Return the address of a service, path kept, without a slash at the end.

    Raises:
        UnsafeServiceError: Not https (http to this machine only), or one with a user,
            query or fragment.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise _unsafe(url) from error
    secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    more = "@" in parts.netloc or "?" in url or "#" in url
    if not (secure and host and plain) or more or len(url) > MAX_URL_CHARS:
        raise _unsafe(url)
    return url.rstrip("/")


def _unsafe(url: str) -> UnsafeServiceError:
    return UnsafeServiceError(
        f"expected the https address of a service, without user, query or fragment, "
        f"got {url[:MAX_URL_CHARS]!r}",
        hint="http is for this machine only",
    )


def _has(fields: Fields, name: str) -> bool:
    return fields.has(name) and not fields.is_null(name)


def _services(fields: Fields, name: str) -> tuple[Service, ...]:
    if not _has(fields, name):
        return ()
    return tuple(map(_service, fields.objects(name, max_items=MAX_SERVICES)))


def _service(fields: Fields) -> Service:
    operator = fields.text("operator", empty=True) if _has(fields, "operator") else ""
    service = Service(
        url=checked_url(fields.text("url", max_chars=MAX_URL_CHARS)),
        version=fields.integer("majorApiVersion", minimum=1),
        window=read_window(fields.object("validFor")),
        operator=operator,
    )
    fields.done()
    return service


def _wanted(fields: Fields, name: str) -> Wanted:
    if not _has(fields, name):
        return Wanted(ANY)
    config = fields.object(name)
    selector = config.one_of("selector", _SELECTORS)
    counted = _has(config, "count")
    count = config.integer("count") if counted else 0
    config.done()
    # proto3 writes a count of zero as none; one beside ALL or ANY contradicts them.
    if (selector == EXACT) != (count > 0):
        raise SigningConfigFormatError(
            f"{config.where}: expected a count with {EXACT} and with nothing else, "
            f"got {selector} {count}"
        )
    return Wanted(selector, count or 1)


def _usable(
    services: Iterable[Service], versions: frozenset[int], at: datetime
) -> tuple[Service, ...]:
    """Return one service of each operator: of those in use now, the newest version.

    Source: sigstore_trustroot.proto, SigningConfig: "Clients MUST select only one
    service from each operator".
    """
    found: dict[str, Service] = {}
    for one in services:
        if one.version in versions and one.window.covers(at):
            best = found.get(one.operator)
            if best is None or one.version > best.version:
                found[one.operator] = one
    return tuple(found.values())


def _newest(
    services: Iterable[Service], versions: frozenset[int], at: datetime, what: str
) -> Service:
    usable = _usable(services, versions, at)
    if not usable:
        raise _none(what, 1, 0)
    return usable[0]


def _select(
    services: Iterable[Service],
    versions: frozenset[int],
    wanted: Wanted,
    at: datetime,
    what: str,
) -> Selection:
    usable = _usable(services, versions, at)
    needed = {ALL: len(usable), ANY: 1, EXACT: wanted.count}[wanted.selector]
    if not usable or len(usable) < needed:
        raise _none(what, max(needed, 1), len(usable))
    asked = usable if wanted.selector == ANY else usable[:needed]
    return Selection(asked, needed)


def _none(what: str, needed: int, found: int) -> NoServiceError:
    return NoServiceError(
        f"signing config: expected {needed} {what} in use now, got {found}"
    )
