# SPDX-License-Identifier: Apache-2.0
"""Ask for a waiver of a pack's rule, approve it, and find those that a release lists.

Two people who may waive sign one statement: the first asks, the second approves. What
is waived is taken from the signer's own pin: the pack as it is pinned now.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from bundle.gate.errors import WaiverNotAllowedError
from bundle.gate.waivers import check_waivable, verify_waiver
from bundle.layers import Layer, read_layer
from bundle.overlay_waivers import WaiverFiles
from bundle.waivers import Waiver
from keys.digest import Digest
from keys.errors import TrustacksError
from signer.attestation import parse_attestation
from signer.limits import MAX_WAIVERS
from signer.predicates.waiver import WaivedPack, WaiverPredicate, WaiverScope
from signer.statement import Subject, build_statement
from signer.trust import Expected
from signer.verify import Evidence, verify_attestation
from trustacks.approving import Second
from trustacks.errors import CosignerNotDistinctError, StatementMismatchError
from trustacks.pinned import Pinned
from trustacks.waiver_errors import UnknownPackRuleError, WaiverExpiredError


@dataclass(frozen=True, slots=True)
class Waivers:
    """The waivers of a release.

    Attributes:
        digests: As the release lists them.
        attestations: Of those, each first signer's before the others'.
    """

    digests: tuple[Digest, ...] = ()
    attestations: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiving(Second):
    """Somebody who may waive packs' rules."""

    def ask(
        self,
        rule_id: str,
        pack: str,
        *,
        scope: WaiverScope,
        not_before: datetime,
        expires: datetime,
        justification: str,
    ) -> bytes:
        """Return the first signature of a waiver, verified.

        Raises:
            PredicateFormatError: What no waiver may say.
            WaiverNotAllowedError: The rule may not be waived.
            VerificationError: What came back does not hold.
        """
        layer = self._pack(pack)
        _require_known(rule_id, layer)
        predicate = WaiverPredicate(
            workspace=self.pinned.view.workspace,
            rule_id=rule_id,
            pack=WaivedPack(name=pack, digest=layer.digest),
            scope=scope,
            identity=self.identity.id,
            signed_at=self.clock(),
            not_before=not_before,
            expires=expires,
            justification=justification,
        )
        self._require_waivable(Waiver(layer.digest, predicate), layer)
        subject = Subject(f"layers/packs/{pack}.tar.gz", layer.digest)
        statement = build_statement((subject,), predicate)
        self.show(statement)
        trust = self.pinned.trust
        raw = self.signatory.attest(statement, api=self.api, trust=trust)
        self._verify(raw)
        return raw

    def approve(self, files: WaiverFiles) -> bytes:
        """Return a further signature of a waiver, verified.

        Raises:
            CosignerNotDistinctError: The same principal asked for it.
            WaiverExpiredError: Its time is over.
            WaiverNotAllowedError: The rule may not be waived.
            VerificationError: It, or what came back, does not hold.
        """
        asked = self._verify(files.attestation)
        said, identity = asked.said(WaiverPredicate), self.identity
        if asked.identity.principal == identity.principal:
            raise CosignerNotDistinctError(
                f"{files.name}: expected somebody else than {identity.principal}, who "
                f"asked for it as {asked.identity.id}, got {identity.id}",
            )
        _require_not_over(files, said, self.clock())
        waiver = Waiver(asked.attestation.digest, said)
        self._require_waivable(waiver, self._pack(said.pack.name))
        statement = asked.attestation.envelope.payload
        self.show(statement)
        trust = self.pinned.trust
        raw = self.signatory.attest(statement, api=self.api, trust=trust)
        if parse_attestation(raw).digest != asked.attestation.digest:
            raise StatementMismatchError("expected a signature of the same statement")
        verify_waiver(files.attestation, (raw,), trust=trust, at=self.clock())
        return raw

    def _pack(self, name: str) -> Layer:
        packs = self.pinned.parents().packs
        if name not in packs:
            raise WaiverNotAllowedError(
                f"expected a pinned pack, got {name}",
                hint=f"pinned are: {', '.join(sorted(packs)) or 'none'}",
            )
        return read_layer(packs[name])

    def _require_waivable(self, waiver: Waiver, pack: Layer) -> None:
        check_waivable([waiver], [pack], self.pinned.trust.policy)

    def _verify(self, raw: bytes) -> Evidence:
        claimed = Expected.as_claimed(parse_attestation(raw))
        expected = Expected(WaiverPredicate.type, claimed.subjects)
        return verify_attestation(
            raw, trust=self.pinned.trust, expected=expected, at=self.clock()
        ).require()


def waivers_of(
    files: Iterable[WaiverFiles],
    pinned: Pinned,
    *,
    at: datetime,
    warn: Callable[[str], None],
) -> Waivers:
    """Return the waivers of an overlay that a release may list, and say which may not.

    Args:
        files: What lies in the overlay.
        pinned: The workspace.
        at: Now.
        warn: Told of each file that is left out.
    """
    packs = [read_layer(archive) for archive in pinned.parents().packs.values()]
    found: dict[Digest, tuple[bytes, ...]] = {}
    for one in files:
        try:
            waiver, raws = _checked(one, packs, pinned, at, warn)
        except TrustacksError as error:
            warn(f"left out {one.path}: {error.code}: {error.message}")
            continue
        if len(found) < MAX_WAIVERS:
            found[waiver.digest] = raws
    digests = tuple(sorted(found, key=str))
    return Waivers(digests, tuple(raw for one in digests for raw in found[one]))


def _checked(
    files: WaiverFiles,
    packs: list[Layer],
    pinned: Pinned,
    at: datetime,
    warn: Callable[[str], None],
) -> tuple[Waiver, tuple[bytes, ...]]:
    """Ask the gate's own functions about one waiver.

    Raises:
        TrustacksError: A release that lists it would be refused, or it is over.
    """
    further: list[bytes] = []
    why: TrustacksError | None = None
    for path, raw in files.cosignatures:
        try:
            verify_waiver(files.attestation, (raw,), trust=pinned.trust, at=at)
        except TrustacksError as error:
            warn(f"left out {path}: {error.code}: {error.message}")
            why = error
        else:
            further.append(raw)
    if why is not None and not further:
        raise why
    waiver, _ = verify_waiver(files.attestation, further, trust=pinned.trust, at=at)
    check_waivable([waiver], packs, pinned.trust.policy)
    _require_not_over(files, waiver.said, at)
    return waiver, (files.attestation, *further)


def _require_known(rule_id: str, pack: Layer) -> None:
    """Refuse a rule that no file of the pack names: a slip would waive nothing.

    Raises:
        UnknownPackRuleError: None does.
    """
    if not any(f'"{rule_id}"' in module.source for module in pack.modules):
        raise UnknownPackRuleError(
            f"expected a rule of pack {pack.name} {pack.version}, got {rule_id}"
        )


def _require_not_over(files: WaiverFiles, said: WaiverPredicate, at: datetime) -> None:
    if at >= said.expires:
        raise WaiverExpiredError(
            f"{files.name}: expected a waiver that is not over, "
            f"got one that ended at {said.to_json()['expires']}",
            hint="ask for another: trustacks waiver sign",
        )
