# SPDX-License-Identifier: Apache-2.0
"""Leaves are found by the identity that signed them, certificates' too."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_INDEX = "ix_leaves_workspace_identity_leaf_index"


def upgrade() -> None:
    op.add_column("leaves", sa.Column("identity", sa.String(length=128), nullable=True))
    op.create_index(
        op.f(_INDEX), "leaves", ["workspace", "identity", "leaf_index"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f(_INDEX), table_name="leaves")
    op.drop_column("leaves", "identity")
