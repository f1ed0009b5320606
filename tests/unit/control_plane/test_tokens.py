# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from control_plane.auth.roles import GRANTS, Caller, Permission, Role
from control_plane.auth.tokens import authenticate, mint_token, revoke_token
from control_plane.errors import (
    NotAuthenticatedError,
    NotPermittedError,
    TokenExpiredError,
)
from control_plane.registry.migrate import migrate
from control_plane.registry.models import TokenRow, WorkspaceRow
from control_plane.registry.session import Registry
from keys.digest import Digest
from keys.errors import NotFoundError, UsageError

AT = datetime(2026, 1, 31, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def session(tmp_path):
    registry = Registry(f"sqlite:///{tmp_path / 'r.sqlite3'}")
    migrate(registry)
    with registry.write() as session:
        session.add(WorkspaceRow(name="acme", digest="d", created_at="x"))
        session.flush()
        yield session
    registry.close()


def _mint(session, **chosen):
    values = {"role": Role.AUTHOR, "subject": "alice", "workspace": "acme", "ttl": HOUR}
    return mint_token(session, **{**values, **chosen}, at=AT)


def test_a_token_says_who_its_holder_is(session):
    minted = _mint(session)
    caller = authenticate(session, f"Bearer {minted.token}", at=AT)
    assert caller == Caller(minted.id, "alice", Role.AUTHOR, "acme")


def test_only_the_digest_is_stored_and_repr_shows_nothing(session):
    minted = _mint(session)
    row = session.scalar(select(TokenRow))
    stored = "".join(str(value) for value in vars(row).values())
    assert str(minted.token) not in stored
    assert row.digest == str(Digest.of(minted.token.encode()))
    assert str(minted.token) not in repr(minted)


def test_a_token_works_until_the_second_before_it_expires(session):
    minted = _mint(session)
    header = f"Bearer {minted.token}"
    assert authenticate(session, header, at=AT + HOUR - timedelta(seconds=1))
    with pytest.raises(TokenExpiredError) as refused:
        authenticate(session, header, at=AT + HOUR)
    assert refused.value.evidence == {"expired_at": "2026-01-31T10:00:00Z"}


def test_a_revoked_token_is_refused_and_revoking_again_keeps_the_first_instant(session):
    minted = _mint(session)
    revoke_token(session, minted.id, workspace="acme", at=AT)
    revoke_token(session, minted.id, workspace="acme", at=AT + HOUR)
    with pytest.raises(NotAuthenticatedError):
        authenticate(session, f"Bearer {minted.token}", at=AT)
    assert session.get(TokenRow, minted.id).revoked_at == "2026-01-31T09:00:00Z"


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param("Bearer", id="no-token"),
        pytest.param("Bearer ", id="empty-token"),
        pytest.param("Basic YTpi", id="another-scheme"),
        pytest.param("Bearer tst_unknown", id="unknown"),
        pytest.param("Bearer " + "x" * 257, id="too-long"),
        pytest.param("Bearer \udcff", id="not-text"),
    ],
)
def test_any_other_header_is_not_authenticated(session, header):
    _mint(session)
    with pytest.raises(NotAuthenticatedError) as refused:
        authenticate(session, header, at=AT)
    assert refused.value.code == "not-authenticated"


@pytest.mark.parametrize("ttl", [timedelta(), -HOUR])
def test_a_lifetime_that_is_not_positive_is_refused(session, ttl):
    with pytest.raises(UsageError):
        _mint(session, ttl=ttl)
    assert session.scalar(select(TokenRow)) is None


@pytest.mark.parametrize(("token_id", "scope"), [("no", "acme"), (None, "other")])
def test_a_token_of_another_scope_cannot_be_revoked(session, token_id, scope):
    minted = _mint(session)
    with pytest.raises(NotFoundError):
        revoke_token(session, token_id or minted.id, workspace=scope, at=AT)
    assert authenticate(session, f"Bearer {minted.token}", at=AT)


def test_every_role_has_its_grants_and_only_admins_have_them_all():
    assert set(GRANTS) == set(Role)
    for role, grants in GRANTS.items():
        assert Permission.WORKSPACE_READ in grants
        assert (grants == frozenset(Permission)) == (role is Role.ADMIN)


@pytest.mark.parametrize(
    ("role", "scope", "permission", "workspace", "allowed"),
    [
        pytest.param(
            Role.ADMIN, None, Permission.WORKSPACE_CREATE, None, True, id="admin"
        ),
        pytest.param(
            Role.ADMIN,
            "acme",
            Permission.WORKSPACE_CREATE,
            None,
            False,
            id="scoped-admin-elsewhere",
        ),
        pytest.param(
            Role.ADMIN,
            "acme",
            Permission.TOKEN_MANAGE,
            "acme",
            True,
            id="scoped-admin-at-home",
        ),
        pytest.param(
            Role.ADMIN,
            "acme",
            Permission.TOKEN_MANAGE,
            "other",
            False,
            id="scoped-admin-next-door",
        ),
        pytest.param(
            Role.AUTHOR,
            "acme",
            Permission.ATTESTATION_SUBMIT,
            "acme",
            True,
            id="author-submits",
        ),
        pytest.param(
            Role.AUTHOR,
            "acme",
            Permission.RELEASE_PUBLISH,
            "acme",
            False,
            id="author-publishes",
        ),
        pytest.param(
            Role.RELEASE,
            "acme",
            Permission.RELEASE_PUBLISH,
            "acme",
            True,
            id="release-publishes",
        ),
        pytest.param(
            Role.RELEASE,
            "acme",
            Permission.IDENTITY_MANAGE,
            "acme",
            False,
            id="release-registers",
        ),
        pytest.param(
            Role.RUNNER,
            "acme",
            Permission.REPORT_SUBMIT,
            "acme",
            True,
            id="runner-reports",
        ),
        pytest.param(
            Role.RUNNER,
            "acme",
            Permission.ATTESTATION_SUBMIT,
            "acme",
            False,
            id="runner-submits",
        ),
        pytest.param(
            Role.AUDITOR,
            "acme",
            Permission.AUDIT_EXPORT,
            "acme",
            True,
            id="auditor-exports",
        ),
        pytest.param(
            Role.AUDITOR, "acme", Permission.SIGN, "acme", False, id="auditor-signs"
        ),
    ],
)
def test_the_table_of_grants(role, scope, permission, workspace, allowed):
    caller = Caller("1", "s", role, scope)
    assert caller.may(permission, workspace) is allowed
    if not allowed:
        with pytest.raises(NotPermittedError) as refused:
            caller.require(permission, workspace)
        assert refused.value.evidence == {"permission": permission.value}
