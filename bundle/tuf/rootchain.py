# SPDX-License-Identifier: Apache-2.0
"""Roots, from the pinned one to today's: who the admins are, and in which form.

Laws:

- The first root is the pin. Every next one has the next version and is signed by the
  threshold of the one before *and* by its own (TUF 1.0.31 §5.3.4).
- In each root a public key is there once, and for one purpose; root and targets may
  share, because both are the admins'.
- The form comes from the pin and from nothing else (DESIGN 9, T8). What is pinned as
  sovereign stays so: two admins at least, and none of them the Control Plane (T1).
- What Runners pin is the lowest root from which on every one is sovereign; the genesis
  root, if there is none (``from_pin``). Whoever pinned a lower one stays embedded.

Pure; expiry is the caller's, who has ``at``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from securesystemslib.signer import Key
from tuf.api.metadata import Metadata, Root

from bundle.limits import MAX_ROOT_VERSIONS
from bundle.tuf.errors import (
    TufCustodyError,
    TufKeyError,
    TufRootChainError,
    TufThresholdError,
)
from bundle.tuf.keys import distinct, is_external
from bundle.tuf.metadata import parse_metadata, require_signed
from bundle.tuf.roles import EXTENSION, ROOT, SOVEREIGN_THRESHOLD, TARGETS
from keys.digest import Digest
from keys.errors import LimitExceededError
from keys.fields import Fields
from signer.form import Form

_ADMINS: Final = frozenset({ROOT, TARGETS})


@dataclass(frozen=True, slots=True)
class RootChain:
    """What the roots say, verified.

    Attributes:
        raw: The bytes that were verified, the pinned root first.
        opened: The same roots, with their signatures.
        workspace: SHA-256 of the genesis root.
        form: Who holds the admin keys, by the pinned root.
        digest: SHA-256 of the newest root's bytes.
        keys: Role of each of its keys, by SHA-256 of the SubjectPublicKeyInfo.
    """

    raw: tuple[bytes, ...]
    opened: tuple[Metadata[Root], ...]
    workspace: Digest
    form: Form
    digest: Digest
    keys: Mapping[str, str]

    @property
    def metadata(self) -> Metadata[Root]:
        """The newest root with its signatures."""
        return self.opened[-1]

    @property
    def current(self) -> Root:
        """The newest root, as python-tuf holds it."""
        return self.opened[-1].signed


def open_roots(roots: Sequence[bytes]) -> RootChain:
    """Verify roots from the pinned one to the newest.

    Args:
        roots: ``root.json`` files by version, without a gap; the first is trusted.

    Raises:
        TufRootChainError: None, a gap, or another order.
        TufKeyError: A key twice, for two purposes, or not accepted.
        TufSignatureError: A step that too few of the old or the new keys signed.
        TufCustodyError: In the sovereign form, a Control Plane key among the admins'.
        TufThresholdError: In the sovereign form, one admin would be enough.
        FormatError: Not root metadata.
        LimitExceededError: Too many, or too large.
    """
    _require_count(roots)
    opened = [parse_metadata(data, Root, ROOT) for data in roots]
    keys = [_require_purposes(metadata.signed) for metadata in opened]
    for metadata in opened:
        require_signed(metadata.signed, ROOT, metadata)
    for old, new in pairwise(opened):
        _require_next(old.signed, new.signed)
        require_signed(old.signed, ROOT, new)
    workspace = _workspace(roots[0], opened)
    form = _form(opened[0].signed)
    if form is Form.SOVEREIGN:
        for metadata in opened:
            _require_sovereign(metadata.signed)
    return RootChain(
        raw=tuple(roots),
        opened=tuple(opened),
        workspace=workspace,
        form=form,
        digest=Digest.of(roots[-1]),
        keys=keys[-1],
    )


def from_pin(chain: RootChain) -> RootChain:
    """Return roots as whoever is pinned as high as one should be sees them.

    Args:
        chain: From the genesis root to the newest.
    """
    pin = len(chain.opened)
    while pin and is_sovereign(chain.opened[pin - 1].signed):
        pin -= 1
    return open_roots(chain.raw[pin:]) if 0 < pin < len(chain.raw) else chain


def is_sovereign(root: Root) -> bool:
    """Return whether a root would be of the sovereign form, were it pinned.

    Raises:
        TufKeyError: A role names a key that is not there.
    """
    try:
        _require_sovereign(root)
    except (TufCustodyError, TufThresholdError):
        return False
    return True


def open_next(roots: RootChain, draft: bytes) -> Root:
    """Return the root that a draft would be after these, whoever has signed it yet.

    Raises:
        VerificationError: As ``open_roots``, signatures of the draft excepted.
        FormatError: Not root metadata.
    """
    root = parse_metadata(draft, Root, ROOT).signed
    _require_purposes(root)
    _require_next(roots.current, root)
    if _named(root) != roots.workspace:
        raise TufRootChainError(
            f"expected a root of workspace {roots.workspace}, got one of {_named(root)}"
        )
    if roots.form is Form.SOVEREIGN:
        _require_sovereign(root)
    return root


def _require_count(roots: Sequence[bytes]) -> None:
    if not roots:
        raise TufRootChainError("expected a pinned root, got none")
    if len(roots) > MAX_ROOT_VERSIONS:
        raise LimitExceededError(
            f"expected at most {MAX_ROOT_VERSIONS} roots, got {len(roots)}"
        )


def _require_purposes(root: Root) -> dict[str, str]:
    """Return roles by key identity, if no key has two purposes."""
    by_id = {
        key.keyid: identity for identity, key in distinct(root.keys.values()).items()
    }
    purposes: dict[str, str] = {}
    for role, key in _role_keys(root):
        known = purposes.setdefault(by_id[key.keyid], role)
        if known != role and not _ADMINS.issuperset({known, role}):
            raise TufKeyError(
                f"expected one purpose for key {key.keyid[:16]}, got {known} and {role}"
            )
    return purposes


def _role_keys(root: Root) -> Iterator[tuple[str, Key]]:
    for name, role in root.roles.items():
        for keyid in role.keyids:
            if keyid not in root.keys:
                raise TufKeyError(f"{name}: expected key {keyid[:16]}, got none")
            yield name, root.keys[keyid]


def _require_next(old: Root, new: Root) -> None:
    if new.version != old.version + 1:
        raise TufRootChainError(
            f"expected root {old.version + 1}, got {new.version}",
            expected=old.version + 1,
            got=new.version,
        )


def _workspace(pinned: bytes, opened: list[Metadata[Root]]) -> Digest:
    """Return the genesis root's digest; later roots name it, and always the same."""
    pin = opened[0].signed
    workspace = Digest.of(pinned) if pin.version == 1 else _named(pin)
    for later in opened[1:]:
        if _named(later.signed) not in (workspace, None):
            raise TufRootChainError(
                f"expected workspace {workspace}, got another in root"
                f" {later.signed.version}"
            )
    if workspace is None:
        raise TufRootChainError(
            f"expected a genesis root or one that names it, got root {pin.version}"
        )
    return workspace


def _named(root: Root) -> Digest | None:
    if EXTENSION not in root.unrecognized_fields:
        return None
    fields = Fields(root.unrecognized_fields[EXTENSION], f"root {root.version}")
    workspace = fields.digest("workspace")
    fields.done()
    return workspace


def _form(pin: Root) -> Form:
    """DESIGN 9, T8: embedded if any admin key is the Control Plane's, or unstated."""
    admins = [key for role, key in _role_keys(pin) if role in _ADMINS]
    return Form.SOVEREIGN if all(map(is_external, admins)) else Form.EMBEDDED


def _require_sovereign(root: Root) -> None:
    for role, key in _role_keys(root):
        if role in _ADMINS and not is_external(key):
            raise TufCustodyError(
                f"root {root.version}: expected {role} keys of external custody,"
                f" got {key.keyid[:16]}"
            )
    for role in sorted(_ADMINS):
        if root.roles[role].threshold < SOVEREIGN_THRESHOLD:
            raise TufThresholdError(
                f"root {root.version}: expected a {role} threshold of at least"
                f" {SOVEREIGN_THRESHOLD}, got {root.roles[role].threshold}"
            )
