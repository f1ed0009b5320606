# SPDX-License-Identifier: Apache-2.0
"""What goes into a ceremony: online keys, layers, and the first trust policy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from bundle.gate.candidate import (
    CONSTITUTION_SIGNATURE_TARGET,
    CONSTITUTION_TARGET,
    pack_signature_target,
    pack_target,
)
from bundle.tuf.errors import TufSignatureError
from bundle.tuf.rootchain import RootChain
from keys.digest import Digest
from keys.durable import create_file, make_directory
from keys.fields import Fields
from keys.public import PublicKey
from keys.strict import dumps_json, loads_json
from signer.credential import KeyCredential
from signer.custody import CustodyTable
from signer.form import Custody
from signer.identity import ANY_NAMESPACE, Identity, IdentityTerms
from signer.pins import LayerPin, LayerPins
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot
from trustacks.client import Client, segment
from trustacks.trust_errors import CeremonyStepError

FORMAT: Final = "https://trustacks.com/formats/ceremony/v1"
# Two lives of a root: admins whose root ran out can attest the next one (days).
ADMIN_DAYS: Final = 730
MAX_ONLINE_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class PinnedLayer:
    """A constitution or pack to be pinned.

    Attributes:
        name: Its name.
        archive: The layer.
        attestation: Its publisher's attestation.
        publisher: Its publisher's key.
    """

    name: str
    archive: bytes
    attestation: bytes
    publisher: PublicKey


@dataclass(frozen=True, slots=True)
class Online:
    """What of the workspace is the Control Plane's.

    Attributes:
        workspace: The name of the workspace.
        url: The Control Plane's address.
        release: Key of the release role.
        snapshot: Key of the role.
        timestamp: Key of the role.
        checkpoint: The signed note of the empty log.
        trusted_root: The log and the timestamp authority.
    """

    workspace: str
    url: str
    release: PublicKey
    snapshot: PublicKey
    timestamp: PublicKey
    checkpoint: str
    trusted_root: bytes

    @classmethod
    def parse(cls, data: bytes, form: str) -> "Online":
        """Parse what the first step wrote.

        Args:
            data: The file.
            form: Which ceremony's it must be.

        Raises:
            FormatError: Something else.
        """
        value = loads_json(data, max_bytes=MAX_ONLINE_BYTES, what="online keys")
        fields = Fields(value, "online")
        fields.constant("format", form)
        online = cls(
            workspace=fields.text("workspace"),
            url=fields.text("url"),
            release=PublicKey.from_pem(fields.text("release")),
            snapshot=PublicKey.from_pem(fields.text("snapshot")),
            timestamp=PublicKey.from_pem(fields.text("timestamp")),
            checkpoint=fields.text("checkpoint"),
            trusted_root=fields.base64("trusted_root", max_bytes=MAX_ONLINE_BYTES),
        )
        fields.done()
        return online


def begin(client: Client, name: str, folder: Path) -> Online:
    """Ask for the online keys of a workspace to be; begin the folder.

    Raises:
        ControlPlaneRefusalError: There is one of that name.
        WriteConflictError: The folder holds another ceremony.
    """
    answer = client.post(f"/v1/ceremonies/{segment(name)}/online-keys", {})
    names = ("release", "snapshot", "timestamp", "checkpoint", "trusted_root")
    fields = Fields(answer, "online keys")
    said = {one: fields.text(one, max_chars=MAX_ONLINE_BYTES) for one in names}
    document = {"format": FORMAT, "workspace": name, "url": client.url, **said}
    data = dumps_json(document)
    online = Online.parse(data, FORMAT)
    make_directory(folder)
    create_file(folder / "online.json", data)
    return online


def first_policy(
    online: Online,
    roots: RootChain,
    layers: Sequence[PinnedLayer],
    admins: Mapping[str, PublicKey],
    at: datetime,
) -> TrustPolicy:
    """Return the first trust policy: layers, and admins who are nobody else yet."""
    trusted = TrustedRoot.parse(online.trusted_root)
    return TrustPolicy(
        workspace=roots.workspace,
        version=1,
        identities=tuple(admin_identity(name, key, at) for name, key in admins.items()),
        thresholds={"rule": 1, "release": 1},
        revocations=(),
        layers=layer_pins(layers),
        custody=CustodyTable(
            {log.log_id: Custody.CONTROL_PLANE for log in trusted.logs},
            {one.digest: Custody.CONTROL_PLANE for one in trusted.authorities},
        ),
    )


def admin_identity(name: str, key: PublicKey, at: datetime) -> Identity:
    """Return an admin who is nobody else; the id is the principal."""
    terms = IdentityTerms(
        id=name,
        principal=name,
        custody=Custody.EXTERNAL,
        permissions=frozenset({"admin"}),
        namespaces=frozenset({ANY_NAMESPACE}),
        not_before=at,
        not_after=at + timedelta(days=ADMIN_DAYS),
    )
    return Identity.of(terms, KeyCredential(key))


def layer_files(layers: Sequence[PinnedLayer]) -> dict[str, bytes]:
    """Return the target files of layers, the constitution first."""
    constitution, *packs = layers
    files = {
        CONSTITUTION_TARGET: constitution.archive,
        CONSTITUTION_SIGNATURE_TARGET: constitution.attestation,
    }
    for pack in packs:
        files[pack_target(pack.name)] = pack.archive
        files[pack_signature_target(pack.name)] = pack.attestation
    return files


def layer_pins(layers: Sequence[PinnedLayer]) -> LayerPins:
    """Return the pins of layers, the constitution first."""
    pins = [LayerPin(Digest.of(one.archive), one.publisher) for one in layers]
    named = zip(layers[1:], pins[1:], strict=True)
    return LayerPins(pins[0], {one.name: pin for one, pin in named})


def not_whole(error: TufSignatureError) -> CeremonyStepError:
    """Say that admins have to sign the root first."""
    return CeremonyStepError(
        f"expected a root that its admins signed: {error.message}",
        hint="each signs: trustacks ceremony sign FOLDER --key NAME",
    )


def no_root() -> CeremonyStepError:
    """Say that the root comes first."""
    return CeremonyStepError(
        "expected a root, got none",
        hint="draft it: trustacks ceremony root FOLDER --root-key ...",
    )
