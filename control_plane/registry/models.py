# SPDX-License-Identifier: Apache-2.0
"""The tables. One schema for SQLite and PostgreSQL; constraints live in the database.

Instants are text of one fixed form (``keys.clock``), so that they sort and compare as
written and no driver converts them; digests are ``sha256:<hex>``.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

DIGEST: Final = String(71)
INSTANT: Final = String(20)
NAME: Final = String(128)
WORKSPACE: Final = String(40)


class Base(DeclarativeBase):
    """The tables of the registry, every constraint named for later migrations."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class WorkspaceRow(Base):
    """A workspace whose genesis has been published."""

    __tablename__ = "workspaces"

    name: Mapped[str] = mapped_column(WORKSPACE, primary_key=True)
    digest: Mapped[str] = mapped_column(DIGEST, unique=True)
    created_at: Mapped[str] = mapped_column(INSTANT)


class TokenRow(Base):
    """An API token: its digest, never itself."""

    __tablename__ = "tokens"
    __table_args__ = (
        CheckConstraint(
            "role IN ('admin', 'author', 'release', 'runner', 'auditor')", name="role"
        ),
    )

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    digest: Mapped[str] = mapped_column(DIGEST, unique=True)
    role: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(NAME)
    workspace: Mapped[str | None] = mapped_column(
        WORKSPACE, ForeignKey("workspaces.name"), index=True
    )
    created_at: Mapped[str] = mapped_column(INSTANT)
    expires_at: Mapped[str] = mapped_column(INSTANT)
    revoked_at: Mapped[str | None] = mapped_column(INSTANT)


class ChallengeRow(Base):
    """An open challenge, which a registration must answer before it expires."""

    __tablename__ = "challenges"

    challenge: Mapped[str] = mapped_column(String(44), primary_key=True)
    workspace: Mapped[str] = mapped_column(
        WORKSPACE, ForeignKey("workspaces.name"), index=True
    )
    identity: Mapped[str] = mapped_column(Text)
    key_id: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[str] = mapped_column(INSTANT)


class LeafRow(Base):
    """One leaf of a workspace's log, and what its statement says it is."""

    __tablename__ = "leaves"
    __table_args__ = (
        UniqueConstraint("workspace", "digest", "key_id"),
        CheckConstraint("leaf_index >= 0", name="leaf_index"),
        Index(None, "workspace", "predicate_type", "leaf_index"),
        Index(None, "workspace", "identity", "leaf_index"),
    )

    workspace: Mapped[str] = mapped_column(
        WORKSPACE, ForeignKey("workspaces.name"), primary_key=True
    )
    leaf_index: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False
    )
    digest: Mapped[str] = mapped_column(DIGEST)
    predicate_type: Mapped[str] = mapped_column(NAME)
    key_id: Mapped[str] = mapped_column(String(64))
    identity: Mapped[str | None] = mapped_column(NAME)


class SubjectRow(Base):
    """One subject of one leaf's statement."""

    __tablename__ = "subjects"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace", "leaf_index"], ["leaves.workspace", "leaves.leaf_index"]
        ),
        Index(None, "workspace", "digest"),
    )

    workspace: Mapped[str] = mapped_column(WORKSPACE, primary_key=True)
    leaf_index: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False
    )
    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)


class ReleaseRow(Base):
    """A published release; rows are added, never changed."""

    __tablename__ = "releases"
    __table_args__ = (
        UniqueConstraint("workspace", "digest"),
        CheckConstraint("revision >= 1", name="revision"),
    )

    workspace: Mapped[str] = mapped_column(
        WORKSPACE, ForeignKey("workspaces.name"), primary_key=True
    )
    revision: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False
    )
    digest: Mapped[str] = mapped_column(DIGEST)
    predecessor: Mapped[str | None] = mapped_column(DIGEST)
    archive: Mapped[str] = mapped_column(DIGEST)
    content: Mapped[str] = mapped_column(DIGEST)
    identity: Mapped[str] = mapped_column(NAME)
    issued_at: Mapped[str] = mapped_column(INSTANT)
    expires_at: Mapped[str] = mapped_column(INSTANT)


class ReportRow(Base):
    """A Runner's report; the newest per Runner is the fleet's state."""

    __tablename__ = "reports"
    __table_args__ = (CheckConstraint("sequence >= 1", name="sequence"),)

    workspace: Mapped[str] = mapped_column(
        WORKSPACE, ForeignKey("workspaces.name"), primary_key=True
    )
    runner: Mapped[str] = mapped_column(NAME, primary_key=True)
    sequence: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False
    )
    digest: Mapped[str] = mapped_column(DIGEST)
    outcome: Mapped[str] = mapped_column(String(16))
    code: Mapped[str | None] = mapped_column(NAME)
    revision: Mapped[int | None] = mapped_column(BigInteger)
    at: Mapped[str] = mapped_column(INSTANT)
