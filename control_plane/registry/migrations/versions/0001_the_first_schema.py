# SPDX-License-Identifier: Apache-2.0
"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "workspaces",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("created_at", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workspaces")),
        sa.UniqueConstraint("digest", name=op.f("uq_workspaces_digest")),
    )
    op.create_table(
        "challenges",
        sa.Column("challenge", sa.String(length=44), nullable=False),
        sa.Column("workspace", sa.String(length=40), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace"], ["workspaces.name"], name=op.f("fk_challenges_workspace")
        ),
        sa.PrimaryKeyConstraint("challenge", name=op.f("pk_challenges")),
    )
    op.create_index(
        op.f("ix_challenges_workspace"), "challenges", ["workspace"], unique=False
    )
    op.create_table(
        "leaves",
        sa.Column("workspace", sa.String(length=40), nullable=False),
        sa.Column("leaf_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("predicate_type", sa.String(length=128), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.CheckConstraint("leaf_index >= 0", name=op.f("ck_leaves_leaf_index")),
        sa.ForeignKeyConstraint(
            ["workspace"], ["workspaces.name"], name=op.f("fk_leaves_workspace")
        ),
        sa.PrimaryKeyConstraint("workspace", "leaf_index", name=op.f("pk_leaves")),
        sa.UniqueConstraint(
            "workspace", "digest", name=op.f("uq_leaves_workspace_digest")
        ),
    )
    op.create_index(
        op.f("ix_leaves_workspace_predicate_type_leaf_index"),
        "leaves",
        ["workspace", "predicate_type", "leaf_index"],
        unique=False,
    )
    op.create_table(
        "releases",
        sa.Column("workspace", sa.String(length=40), nullable=False),
        sa.Column("revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("predecessor", sa.String(length=71), nullable=True),
        sa.Column("archive", sa.String(length=71), nullable=False),
        sa.Column("content", sa.String(length=71), nullable=False),
        sa.Column("identity", sa.String(length=128), nullable=False),
        sa.Column("issued_at", sa.String(length=20), nullable=False),
        sa.Column("expires_at", sa.String(length=20), nullable=False),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_releases_revision")),
        sa.ForeignKeyConstraint(
            ["workspace"], ["workspaces.name"], name=op.f("fk_releases_workspace")
        ),
        sa.PrimaryKeyConstraint("workspace", "revision", name=op.f("pk_releases")),
        sa.UniqueConstraint(
            "workspace", "digest", name=op.f("uq_releases_workspace_digest")
        ),
    )
    op.create_table(
        "reports",
        sa.Column("workspace", sa.String(length=40), nullable=False),
        sa.Column("runner", sa.String(length=128), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=128), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.String(length=20), nullable=False),
        sa.CheckConstraint("sequence >= 1", name=op.f("ck_reports_sequence")),
        sa.ForeignKeyConstraint(
            ["workspace"], ["workspaces.name"], name=op.f("fk_reports_workspace")
        ),
        sa.PrimaryKeyConstraint(
            "workspace", "runner", "sequence", name=op.f("pk_reports")
        ),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("workspace", sa.String(length=40), nullable=True),
        sa.Column("created_at", sa.String(length=20), nullable=False),
        sa.Column("expires_at", sa.String(length=20), nullable=False),
        sa.Column("revoked_at", sa.String(length=20), nullable=True),
        sa.CheckConstraint(
            "role IN ('admin', 'author', 'release', 'runner', 'auditor')",
            name=op.f("ck_tokens_role"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace"], ["workspaces.name"], name=op.f("fk_tokens_workspace")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
    )
    op.create_index(op.f("ix_tokens_workspace"), "tokens", ["workspace"], unique=False)
    op.create_table(
        "subjects",
        sa.Column("workspace", sa.String(length=40), nullable=False),
        sa.Column("leaf_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace", "leaf_index"],
            ["leaves.workspace", "leaves.leaf_index"],
            name=op.f("fk_subjects_workspace_leaf_index"),
        ),
        sa.PrimaryKeyConstraint(
            "workspace", "leaf_index", "digest", name=op.f("pk_subjects")
        ),
    )
    op.create_index(
        op.f("ix_subjects_workspace_digest"),
        "subjects",
        ["workspace", "digest"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_subjects_workspace_digest"), table_name="subjects")
    op.drop_table("subjects")
    op.drop_index(op.f("ix_tokens_workspace"), table_name="tokens")
    op.drop_table("tokens")
    op.drop_table("reports")
    op.drop_table("releases")
    op.drop_index(
        op.f("ix_leaves_workspace_predicate_type_leaf_index"), table_name="leaves"
    )
    op.drop_table("leaves")
    op.drop_index(op.f("ix_challenges_workspace"), table_name="challenges")
    op.drop_table("challenges")
    op.drop_table("workspaces")
