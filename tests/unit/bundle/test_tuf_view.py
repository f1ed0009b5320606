# SPDX-License-Identifier: Apache-2.0
"""The one reader of TUF metadata: each of its reasons to refuse, by itself."""

from datetime import UTC, datetime, timedelta

import pytest
from securesystemslib.signer import Signature
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    Root,
    SuccinctRoles,
    TargetFile,
)

from bundle.limits import MAX_LISTED_REVISIONS, MAX_ROOT_BYTES, MAX_ROOT_VERSIONS
from bundle.tuf.errors import (
    TufCustodyError,
    TufDelegationError,
    TufExpiredError,
    TufFormatError,
    TufKeyError,
    TufRootChainError,
    TufSignatureError,
    TufTargetError,
    TufThresholdError,
    UnsafeRoleKeysError,
)
from bundle.tuf.keys import RoleSigner, role_key
from bundle.tuf.root import build_root
from bundle.tuf.rootchain import open_roots
from bundle.tuf.view import read_view
from keys.digest import Digest
from keys.errors import (
    FieldFormatError,
    FormatError,
    JsonFormatError,
    LimitExceededError,
)
from signer.form import Custody, Form
from tests.simulators.memory_key import MemoryKey
from tests.simulators.tuf_mirror import CHECKPOINT, FILES, Workspace

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(params=[False, True], ids=["embedded", "sovereign"])
def workspace(request):
    workspace = Workspace.create(AT, sovereign=request.param)
    workspace.publish_trust()
    workspace.publish_release(1)
    workspace.publish_release(2)
    return workspace


@pytest.fixture
def sovereign():
    workspace = Workspace.create(AT, sovereign=True)
    workspace.publish_trust()
    workspace.publish_release(1)
    return workspace


@pytest.fixture
def embedded():
    workspace = Workspace.create(AT)
    workspace.publish_trust()
    workspace.publish_release(1)
    return workspace


def view(workspace, *, at=AT, **changed):
    current = workspace.repository.current()
    state = {name: getattr(current, name) for name in ("roots", "targets", "release")}
    return read_view(**state | changed, at=at)


def next_root(workspace, change=lambda signed: None, *, keys=None, base=None):
    """Root 2, signed by the old keys and by those that it brings."""

    def changed(metadata):
        metadata.signed.version += 1
        change(metadata.signed)

    return workspace.resign(
        base or workspace.root, changed, keys or workspace.root_keys
    )


def targets_with(workspace, change, keys=None):
    data = workspace.repository.current().targets
    return workspace.resign(
        data, lambda m: change(m.signed), keys or workspace.targets_keys
    )


def release_with(workspace, change, keys=None):
    data = workspace.repository.current().release
    return workspace.resign(
        data,
        lambda m: change(m.signed),
        keys or [workspace.release_key],
        Custody.CONTROL_PLANE,
    )


# ------------------------------------------------------------------ accepted


def test_a_view_says_what_was_published(workspace):
    seen = view(workspace)
    state = workspace.repository.current()
    assert seen.workspace == seen.root_digest == Digest.of(workspace.root)
    assert seen.form is (
        Form.SOVEREIGN if workspace.custody is Custody.EXTERNAL else Form.EMBEDDED
    )
    assert (seen.root_version, seen.targets_version, seen.release_version) == (1, 1, 3)
    assert seen.targets_digest == Digest.of(state.targets)
    assert seen.checkpoint == CHECKPOINT
    assert seen.revision == 2
    assert {n: i.digest for n, i in seen.files.items()} == {
        n: Digest.of(d) for n, d in FILES.items()
    }
    assert seen.files["layers/constitution.tar.gz"].length == 12
    assert sorted(seen.overlay) == [
        f"overlay/{r}/{f}"
        for r in (1, 2)
        for f in ("attestations.sigstore.jsonl", "bundle.tar.gz")
    ]


def test_roles_of_keys_are_named_by_their_spki(workspace):
    roles = view(workspace).role_keys
    assert roles[workspace.release_key.public_key.key_id] == "release"
    assert roles[workspace.timestamp_key.public_key.key_id] == "timestamp"
    assert set(roles.values()) == {
        "root",
        "targets",
        "snapshot",
        "timestamp",
        "release",
    }


def test_without_a_release_role_there_is_no_revision(workspace):
    seen = view(workspace, release=None)
    assert (seen.revision, seen.release_version, dict(seen.overlay)) == (None, None, {})


def test_a_root_chain_is_walked_step_by_step(workspace):
    fresh = [MemoryKey.ecdsa() for _ in workspace.root_keys]

    def replaced(root: Root):
        for old in list(root.roles["root"].keyids):
            root.revoke_key(old, "root")
        for key in fresh:
            root.add_key(role_key(key.public_key, workspace.custody), "root")

    second = next_root(workspace, replaced, keys=[*workspace.root_keys, *fresh])
    third = next_root(workspace, base=second, keys=fresh)
    seen = view(workspace, roots=(workspace.root, second, third))
    assert (seen.root_version, seen.root_digest) == (3, Digest.of(third))
    assert seen.workspace == Digest.of(workspace.root)


# ---------------------------------------------------------------- root chain


def test_no_root_is_refused(workspace):
    with pytest.raises(TufRootChainError):
        view(workspace, roots=())


@pytest.mark.parametrize("order", [(0, 2), (0, 0), (1, 0), (0, 2, 1)])
def test_roots_with_a_gap_or_in_another_order_are_refused(workspace, order):
    second = next_root(workspace)
    roots = (workspace.root, second, next_root(workspace, base=second))
    with pytest.raises(TufRootChainError):
        view(workspace, roots=tuple(roots[i] for i in order))


def test_a_root_not_signed_by_its_predecessor_is_refused(workspace):
    rival = [MemoryKey.ecdsa() for _ in workspace.root_keys]

    def replaced(root: Root):
        for old in list(root.roles["root"].keyids):
            root.revoke_key(old, "root")
        for key in rival:
            root.add_key(role_key(key.public_key, workspace.custody), "root")

    with pytest.raises(TufSignatureError):
        view(
            workspace,
            roots=(workspace.root, next_root(workspace, replaced, keys=rival)),
        )


def test_a_root_not_signed_by_its_own_keys_is_refused(workspace):
    fresh = [MemoryKey.ecdsa() for _ in workspace.root_keys]

    def replaced(root: Root):
        for old in list(root.roles["root"].keyids):
            root.revoke_key(old, "root")
        for key in fresh:
            root.add_key(role_key(key.public_key, workspace.custody), "root")

    with pytest.raises(TufSignatureError):
        view(workspace, roots=(workspace.root, next_root(workspace, replaced)))


def test_an_unsigned_pin_is_refused(workspace):
    unsigned = workspace.resign(workspace.root, lambda m: None, [MemoryKey.ecdsa()])
    with pytest.raises(TufSignatureError):
        view(workspace, roots=(unsigned,))


def test_an_expired_newest_root_is_refused_and_an_expired_pin_is_not(workspace):
    later = AT + timedelta(days=366)
    expires = later + timedelta(days=9)
    fresh = targets_with(workspace, lambda t: setattr(t, "expires", expires))
    with pytest.raises(TufExpiredError, match="root 1"):
        view(workspace, at=later, targets=fresh, release=None)
    second = next_root(workspace, lambda r: setattr(r, "expires", expires))
    seen = view(
        workspace, at=later, roots=(workspace.root, second), targets=fresh, release=None
    )
    assert seen.root_version == 2


def test_more_roots_than_the_bound_are_refused(workspace):
    with pytest.raises(LimitExceededError):
        open_roots([workspace.root] * (MAX_ROOT_VERSIONS + 1))


def test_a_later_pin_names_its_workspace(workspace):
    genesis = Digest.of(workspace.root)
    bare = next_root(workspace)
    with pytest.raises(TufRootChainError):
        open_roots([bare])
    named = next_root(
        workspace,
        lambda r: r.unrecognized_fields.update(
            {"x-trustacks": {"workspace": str(genesis)}}
        ),
    )
    assert open_roots([named]).workspace == genesis
    assert open_roots([workspace.root, named]).workspace == genesis


def test_a_root_that_names_another_workspace_is_refused(workspace):
    other = {"x-trustacks": {"workspace": str(Digest.of(b"other"))}}
    second = next_root(workspace, lambda r: r.unrecognized_fields.update(other))
    with pytest.raises(TufRootChainError):
        open_roots([workspace.root, second])


@pytest.mark.parametrize(
    "said", [None, [], {}, {"workspace": 1}, {"workspace": "", "x": 1}]
)
def test_a_root_that_names_its_workspace_wrongly_is_refused(workspace, said):
    if isinstance(said, dict) and "x" in said:
        said = {"workspace": str(Digest.of(workspace.root)), "x": 1}
    fields = {"x-trustacks": said}
    second = next_root(workspace, lambda r: r.unrecognized_fields.update(fields))
    with pytest.raises(FieldFormatError):
        open_roots([workspace.root, second])


# --------------------------------------------------------- keys and thresholds


@pytest.mark.parametrize("role", ["root", "targets", "snapshot", "timestamp"])
def test_a_role_of_a_key_that_is_not_there_is_refused(workspace, role):
    second = next_root(workspace, lambda r: r.roles[role].keyids.append("f" * 64))
    with pytest.raises(TufKeyError):
        open_roots([workspace.root, second])


def test_one_key_under_two_key_ids_is_refused_before_its_signatures_count(sovereign):
    one = sovereign.targets_keys[0]

    def twice(root: Root):
        twin = role_key(one.public_key, Custody.EXTERNAL)
        twin.keyid = "0" * 64
        root.keys[twin.keyid] = twin
        root.roles["targets"].keyids.append(twin.keyid)

    second = next_root(sovereign, twice)
    with pytest.raises(TufKeyError):
        view(sovereign, roots=(sovereign.root, second))


def test_one_key_in_another_spelling_is_still_one_key(sovereign):
    one = sovereign.targets_keys[0]

    def twice(root: Root):
        twin = role_key(one.public_key, Custody.EXTERNAL)
        twin.keyid = "0" * 64
        twin.keyval["public"] = "\n" + twin.keyval["public"] + "\n"
        root.keys[twin.keyid] = twin
        root.roles["targets"].keyids.append(twin.keyid)

    with pytest.raises(TufKeyError):
        open_roots([sovereign.root, next_root(sovereign, twice)])


@pytest.mark.parametrize("role", ["root", "targets", "snapshot"])
def test_one_key_for_two_purposes_is_refused(workspace, role):
    online = role_key(workspace.timestamp_key.public_key, Custody.CONTROL_PLANE)
    second = next_root(workspace, lambda r: r.roles[role].keyids.append(online.keyid))
    with pytest.raises(TufKeyError):
        open_roots([workspace.root, second])


def test_admins_may_use_one_key_for_root_and_targets():
    keys = [MemoryKey.ecdsa(), MemoryKey.ecdsa()]
    root = build_root(
        root_keys=keys,
        targets_keys=[k.public_key for k in keys],
        snapshot_key=MemoryKey.ecdsa().public_key,
        timestamp_key=MemoryKey.ecdsa().public_key,
        custody=Custody.EXTERNAL,
        at=AT,
    )
    assert open_roots([root]).form is Form.SOVEREIGN


@pytest.mark.parametrize("where", ["root", "targets", "snapshot", "timestamp"])
def test_the_release_key_may_have_no_other_purpose(workspace, where):
    shared = {
        "root": workspace.root_keys,
        "targets": workspace.targets_keys,
        "snapshot": [workspace.snapshot_key],
        "timestamp": [workspace.timestamp_key],
    }[where][0]

    def share(targets):
        key = role_key(shared.public_key, Custody.CONTROL_PLANE)
        targets.delegations = delegations([key])

    with pytest.raises(TufKeyError):
        view(workspace, targets=targets_with(workspace, share), release=None)


def test_one_admin_alone_is_not_enough_in_the_sovereign_form(sovereign):
    alone = sovereign.resign(
        sovereign.repository.current().targets,
        lambda m: None,
        sovereign.targets_keys[:1],
    )
    with pytest.raises(TufSignatureError):
        view(sovereign, targets=alone)


@pytest.mark.parametrize("role", ["root", "targets"])
def test_a_sovereign_threshold_of_one_is_refused(sovereign, role):
    lowered = next_root(sovereign, lambda r: setattr(r.roles[role], "threshold", 1))
    with pytest.raises(TufThresholdError):
        open_roots([sovereign.root, lowered])
    pin = sovereign.resign(
        sovereign.root,
        lambda m: setattr(m.signed.roles[role], "threshold", 1),
        sovereign.root_keys,
    )
    with pytest.raises(TufThresholdError):
        open_roots([pin])


@pytest.mark.parametrize("role", ["root", "targets"])
@pytest.mark.parametrize(
    "custody", [Custody.CONTROL_PLANE, None, "External", ["external"]]
)
def test_a_custodial_key_is_not_promoted_in_the_sovereign_form(
    sovereign, role, custody
):
    key = role_key(MemoryKey.ecdsa().public_key, Custody.CONTROL_PLANE)
    key.unrecognized_fields.clear()
    if custody is not None:
        key.unrecognized_fields["x-trustacks-custody"] = custody
    second = next_root(sovereign, lambda r: r.add_key(key, role))
    with pytest.raises(TufCustodyError):
        open_roots([sovereign.root, second])


@pytest.mark.parametrize("role", ["root", "targets"])
@pytest.mark.parametrize("custody", [Custody.CONTROL_PLANE, None])
def test_a_pin_with_one_custodial_or_unstated_admin_key_is_embedded(
    sovereign, role, custody
):
    def change(metadata):
        keyid = metadata.signed.roles[role].keyids[0]
        fields = metadata.signed.keys[keyid].unrecognized_fields
        fields.clear()
        if custody:
            fields["x-trustacks-custody"] = str(custody)

    pin = Metadata.from_bytes(sovereign.root)
    change(pin)
    pin.signatures.clear()
    for keyid, key in zip(
        pin.signed.roles["root"].keyids, sovereign.root_keys, strict=True
    ):
        pin.signatures[keyid] = Signature(keyid, key.sign(pin.signed_bytes).hex())
    assert open_roots([pin.to_bytes()]).form is Form.EMBEDDED


def test_an_embedded_pin_stays_embedded_whatever_later_roots_say(embedded):
    fresh = [MemoryKey.ecdsa(), MemoryKey.ecdsa()]

    def sovereign_keys(root: Root):
        for role in ("root", "targets"):
            for old in list(root.roles[role].keyids):
                root.revoke_key(old, role)
            for key in fresh:
                root.add_key(role_key(key.public_key, Custody.EXTERNAL), role)
            root.roles[role].threshold = 2

    data = Metadata.from_bytes(embedded.root)
    data.signed.version = 2
    sovereign_keys(data.signed)
    data.signatures.clear()
    for key, custody in [
        (embedded.root_keys[0], Custody.CONTROL_PLANE),
        *((k, Custody.EXTERNAL) for k in fresh),
    ]:
        data.sign(RoleSigner(key, role_key(key.public_key, custody)), append=True)
    assert open_roots([embedded.root, data.to_bytes()]).form is Form.EMBEDDED


@pytest.mark.parametrize(
    ("roots", "targets", "custody"),
    [
        (1, 2, Custody.EXTERNAL),
        (2, 1, Custody.EXTERNAL),
        (0, 1, Custody.CONTROL_PLANE),
        (1, 0, Custody.CONTROL_PLANE),
    ],
)
def test_a_root_with_too_few_admins_is_not_made(roots, targets, custody):
    with pytest.raises(UnsafeRoleKeysError):
        build_root(
            root_keys=[MemoryKey.ecdsa() for _ in range(roots)],
            targets_keys=[MemoryKey.ecdsa().public_key for _ in range(targets)],
            snapshot_key=MemoryKey.ecdsa().public_key,
            timestamp_key=MemoryKey.ecdsa().public_key,
            custody=custody,
            at=AT,
        )


def test_a_root_with_one_key_for_two_purposes_is_not_made():
    one = MemoryKey.ecdsa()
    with pytest.raises(UnsafeRoleKeysError):
        build_root(
            root_keys=[one],
            targets_keys=[MemoryKey.ecdsa().public_key],
            snapshot_key=one.public_key,
            timestamp_key=MemoryKey.ecdsa().public_key,
            custody=Custody.CONTROL_PLANE,
            at=AT,
        )


# -------------------------------------------------------------------- targets


def test_targets_signed_by_another_key_are_refused(workspace):
    other = targets_with(workspace, lambda t: None, [workspace.release_key])
    with pytest.raises(TufSignatureError):
        view(workspace, targets=other)


@pytest.mark.parametrize(
    ("days", "accepted"), [(-1, False), (0, False), (1, True), (90, True), (91, False)]
)
def test_targets_live_for_at_most_90_days(workspace, days, accepted):
    expires = AT + timedelta(days=days)
    targets = targets_with(workspace, lambda t: setattr(t, "expires", expires))
    if accepted:
        assert view(workspace, targets=targets).targets_expires == expires
        return
    with pytest.raises(TufExpiredError):
        view(workspace, targets=targets)


def test_targets_are_judged_at_the_instant_asked_for(workspace):
    last = AT + timedelta(days=89)
    assert view(workspace, at=last - timedelta(seconds=1), release=None)
    with pytest.raises(TufExpiredError):
        view(workspace, at=last, release=None)


@pytest.mark.parametrize(
    "path",
    [
        "overlay/1/bundle.tar.gz",
        "trust/../policy.json",
        "trust/policy.json/x",
        "trust/Policy.json",
        "layers/packs/a/b.tar.gz",
        "layers/packs/.tar.gz",
        "layers/other.tar.gz",
        "policy.json",
        "/trust/policy.json",
        "trust/policy.json\n",
    ],
)
def test_targets_list_trust_and_layers_only(workspace, path):
    def add(targets):
        targets.targets[path] = TargetFile.from_data(path, b"x", ["sha256"])

    with pytest.raises(TufTargetError):
        view(workspace, targets=targets_with(workspace, add))


@pytest.mark.parametrize("hashes", [["sha512"], ["sha256", "sha512"]])
def test_a_target_has_exactly_one_sha256(workspace, hashes):
    def change(targets):
        path = "trust/policy.json"
        targets.targets[path] = TargetFile.from_data(path, b"x", hashes)

    with pytest.raises(TufFormatError):
        view(workspace, targets=targets_with(workspace, change))


@pytest.mark.parametrize(
    "extension",
    [
        None,
        {},
        {"checkpoint": ""},
        {"checkpoint": 1},
        {"checkpoint": "x", "more": 1},
        [],
    ],
)
def test_targets_carry_a_checkpoint_and_no_more(workspace, extension):
    def change(targets):
        del targets.unrecognized_fields["x-trustacks"]
        if extension is not None:
            targets.unrecognized_fields["x-trustacks"] = extension

    with pytest.raises(FieldFormatError):
        view(workspace, targets=targets_with(workspace, change))


# ----------------------------------------------------------------- delegation


def delegations(keys, *, names=("release",), **changes):
    shape = {"threshold": 1, "terminating": True, "paths": ["overlay/*/*"]} | changes
    roles = {n: DelegatedRole(n, [k.keyid for k in keys], **shape) for n in names}
    return Delegations({k.keyid: k for k in keys}, roles)


def online(workspace):
    return role_key(workspace.release_key.public_key, Custody.CONTROL_PLANE)


@pytest.mark.parametrize(
    "shape",
    [
        {"terminating": False},
        {"paths": ["overlay/*"]},
        {"paths": ["overlay/*/*", "overlay/*/*/*"]},
        {"paths": ["*/*/*"]},
        {"paths": ["trust/*", "overlay/*/*"]},
        {"paths": []},
        {"paths": None, "path_hash_prefixes": ["00"]},
        {"names": ("release", "other")},
        {"names": ("other",)},
        {"names": ("other", "release")},
    ],
    ids=str,
)
def test_any_other_delegation_is_refused(workspace, shape):
    def change(targets):
        targets.delegations = delegations([online(workspace)], **shape)

    with pytest.raises(TufDelegationError):
        view(workspace, targets=targets_with(workspace, change), release=None)


def test_no_delegation_and_succinct_delegations_are_refused(workspace):
    key = online(workspace)
    for other in (
        None,
        Delegations(
            {key.keyid: key}, succinct_roles=SuccinctRoles([key.keyid], 1, 2, "bin")
        ),
    ):
        changed = targets_with(
            workspace, lambda t, o=other: setattr(t, "delegations", o)
        )
        with pytest.raises(TufDelegationError):
            view(workspace, targets=changed, release=None)


def test_keys_that_no_role_has_are_refused_in_the_delegation(workspace):
    extra = role_key(MemoryKey.ecdsa().public_key, Custody.CONTROL_PLANE)

    def change(targets):
        targets.delegations.keys[extra.keyid] = extra

    with pytest.raises(TufDelegationError):
        view(workspace, targets=targets_with(workspace, change), release=None)


def test_a_release_threshold_by_one_key_under_two_ids_is_refused(workspace):
    key = online(workspace)
    twin = online(workspace)
    twin.keyid = "1" * 64

    def change(targets):
        targets.delegations = delegations([key, twin], threshold=2)

    with pytest.raises(TufKeyError):
        view(workspace, targets=targets_with(workspace, change), release=None)


# --------------------------------------------------------------- release role


def test_a_release_role_signed_by_another_key_is_refused(workspace):
    for key in (workspace.targets_keys[0], workspace.snapshot_key, MemoryKey.ecdsa()):
        with pytest.raises(TufSignatureError):
            view(workspace, release=release_with(workspace, lambda t: None, [key]))


def test_an_expired_release_role_is_refused(workspace):
    assert view(workspace, at=AT + timedelta(days=29))
    with pytest.raises(TufExpiredError):
        view(workspace, at=AT + timedelta(days=30))


def test_the_release_role_delegates_to_nobody(workspace):
    def change(targets):
        targets.delegations = delegations([online(workspace)], names=("deeper",))

    with pytest.raises(TufDelegationError):
        view(workspace, release=release_with(workspace, change))


@pytest.mark.parametrize(
    "path",
    [
        "trust/policy.json",
        "layers/constitution.tar.gz",
        "overlay/0/bundle.tar.gz",
        "overlay/03/bundle.tar.gz",
        "overlay/-1/bundle.tar.gz",
        "overlay/3/other",
        "overlay/3/x/bundle.tar.gz",
        "overlay/3",
        "overlay/9999999999999999/bundle.tar.gz",
        "overlay/\u0663/bundle.tar.gz",
    ],
)
def test_the_release_role_lists_releases_only(workspace, path):
    def add(targets):
        targets.targets[path] = TargetFile.from_data(path, b"x", ["sha256"])

    with pytest.raises(TufTargetError):
        view(workspace, release=release_with(workspace, add))


@pytest.mark.parametrize("file", ["bundle.tar.gz", "attestations.sigstore.jsonl"])
def test_a_listed_revision_is_whole(workspace, file):
    with pytest.raises(TufTargetError):
        view(
            workspace,
            release=release_with(
                workspace, lambda t: t.targets.pop(f"overlay/1/{file}")
            ),
        )


@pytest.mark.parametrize(
    ("count", "accepted"),
    [(MAX_LISTED_REVISIONS, True), (MAX_LISTED_REVISIONS + 1, False)],
)
def test_the_release_role_lists_a_bounded_number_of_revisions(
    workspace, count, accepted
):
    def fill(targets):
        for revision in range(1, count + 1):
            for file in ("bundle.tar.gz", "attestations.sigstore.jsonl"):
                path = f"overlay/{revision}/{file}"
                targets.targets[path] = TargetFile.from_data(path, b"x", ["sha256"])

    release = release_with(workspace, fill)
    if accepted:
        assert view(workspace, release=release).revision == count
        return
    with pytest.raises(TufTargetError):
        view(workspace, release=release)


# ---------------------------------------------------------------------- bytes


def test_roles_cannot_be_swapped(workspace):
    state = workspace.repository.current()
    for changed in (
        {"targets": state.snapshot},
        {"targets": state.roots[0]},
        {"release": state.timestamp},
        {"roots": (state.targets,)},
    ):
        with pytest.raises(TufFormatError):
            view(workspace, **changed)
    with pytest.raises(TufSignatureError):
        view(workspace, targets=state.release)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", JsonFormatError),
        (b"{}", TufFormatError),
        (b"[]", FormatError),
        (b"null", FormatError),
        (b'{"signatures":[],"signed":{"_type":"root"}}', TufFormatError),
        (b'{"signed":{},"signed":{}}', JsonFormatError),
        (b" " * (MAX_ROOT_BYTES + 1), LimitExceededError),
    ],
)
def test_what_is_no_metadata_is_refused_with_a_code(workspace, data, error):
    with pytest.raises(error):
        view(workspace, roots=(data,))


def test_every_changed_byte_is_refused_or_changes_nothing(workspace):
    """A byte in a signature's hex may change case; anything else must not pass."""
    state = workspace.repository.current()
    plain = view(workspace)
    for at in range(0, len(state.targets), 7):
        data = bytearray(state.targets)
        data[at] ^= 1
        try:
            seen = view(workspace, targets=bytes(data))
        except (
            FormatError,
            TufSignatureError,
            TufExpiredError,
            TufDelegationError,
            TufKeyError,
            TufTargetError,
        ):
            continue
        assert seen.files == plain.files
        assert seen.checkpoint == plain.checkpoint
