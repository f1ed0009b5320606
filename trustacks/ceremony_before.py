# SPDX-License-Identifier: Apache-2.0
"""What a move to the sovereign form begins from, in its ceremony's folder.

It was verified from the person's own pin when it was written, and is judged again by
everybody who opens the folder (``bundle.embedded``).
"""

from datetime import datetime
from pathlib import Path
from typing import Final

from bundle.embedded import Embedded, EmbeddedGround
from bundle.gate.candidate import attestations_target
from bundle.limits import MAX_RELEASE_ROLE_BYTES, MAX_TARGET_BYTES, MAX_TARGETS_BYTES
from bundle.tuf.errors import AlreadySovereignError
from bundle.tuf.rootchain import is_sovereign, open_roots
from keys.strict import b64encode, dumps_json
from signer.limits import MAX_TRUST_POLICY_BYTES, MAX_TRUSTED_ROOT_BYTES
from trustacks.answers import text_of
from trustacks.ceremony_folder import CeremonyFolder
from trustacks.ceremony_parts import MAX_ONLINE_BYTES, Online
from trustacks.client import WorkspaceApi
from trustacks.limits import MAX_ROOT_BYTES
from trustacks.pinned import Pinned, PinnedStore
from trustacks.trust_errors import CeremonyStepError

FORMAT: Final = "https://trustacks.com/formats/ceremony-move/v1"
MOVE: Final = "move.json"
_RELEASED: Final = "before/attestations.sigstore.jsonl"
_HINT: Final = "begin again: trustacks ceremony move --out FOLDER"


def begin_move(
    store: PinnedStore, api: WorkspaceApi, folder: Path, *, at: datetime
) -> Online:
    """Take what is in force, and the online keys that follow, into a folder.

    Order of writes: what is in force, from the person's own pin; ``move.json``.

    Raises:
        AlreadySovereignError: The Control Plane does not hold the admin keys.
        VerificationError: What is in force does not hold.
        ControlPlaneRefusalError: It gives no keys.
        WriteConflictError: The folder holds another ceremony.
    """
    pinned = store.refresh(at=at)
    if is_sovereign(open_roots(pinned.fetched.roots).current):
        raise AlreadySovereignError(
            "expected a workspace of embedded form, got a sovereign one",
            hint="its admins change their keys: trustacks root draft",
        )
    answer = api.post("/move/online-keys", {})
    pinned.checkpoint(text_of(answer, "checkpoint").encode())
    names = ("release", "snapshot", "timestamp", "checkpoint")
    said = {name: text_of(answer, name) for name in names}
    document = {
        "format": FORMAT,
        "workspace": api.name,
        "url": api.client.url,
        "trusted_root": b64encode(pinned.trusted_root),
        **said,
    }
    made = CeremonyFolder(folder)
    for name, data in _before(pinned).items():
        made.create(name, data)
    EmbeddedGround.open(read_embedded(made), at=at)
    made.create(MOVE, dumps_json(document))
    return read_online(made)


def read_online(folder: CeremonyFolder) -> Online:
    """Return the online keys that the next root is to name.

    Raises:
        CeremonyStepError: No move was begun there.
    """
    data = folder.read(MOVE, MAX_ONLINE_BYTES)
    if data is None:
        raise CeremonyStepError(
            f"expected {MOVE} in {folder.path}, got none", hint=_HINT
        )
    return Online.parse(data, FORMAT)


def read_embedded(folder: CeremonyFolder) -> Embedded:
    """Return what a folder says was in force, not yet judged.

    Raises:
        CeremonyStepError: A file is not there.
    """
    roots: list[bytes] = []
    while root := folder.read(f"before/{len(roots) + 1}.root.json", MAX_ROOT_BYTES):
        roots.append(root)

    def read(name: str, max_bytes: int) -> bytes:
        data = folder.read(f"before/{name}", max_bytes)
        if data is None:
            raise CeremonyStepError(
                f"expected before/{name} in {folder.path}, got none",
                hint=_HINT,
            )
        return data

    return Embedded(
        roots=tuple(roots),
        targets=read("targets.json", MAX_TARGETS_BYTES),
        release=read("release.json", MAX_RELEASE_ROLE_BYTES),
        policy=read("policy.json", MAX_TRUST_POLICY_BYTES),
        trusted_root=read("trusted_root.json", MAX_TRUSTED_ROOT_BYTES),
        attestations=folder.read(_RELEASED, MAX_TARGET_BYTES),
    )


def _before(pinned: Pinned) -> dict[str, bytes]:
    fetched, revision = pinned.fetched, pinned.view.revision
    files = {
        f"before/{number}.root.json": root
        for number, root in enumerate(fetched.roots, start=1)
    }
    files["before/targets.json"] = fetched.targets
    files["before/release.json"] = fetched.release
    files["before/policy.json"] = pinned.policy
    files["before/trusted_root.json"] = pinned.trusted_root
    if revision is not None:
        files[_RELEASED] = fetched.target(
            attestations_target(revision), max_bytes=MAX_TARGET_BYTES
        )
    return files
