# SPDX-License-Identifier: Apache-2.0
"""Several keys may sign one statement: a leaf for each."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ONE_KEY = "uq_leaves_workspace_digest"
_MANY_KEYS = "uq_leaves_workspace_digest_key_id"


def upgrade() -> None:
    _replace(_ONE_KEY, _MANY_KEYS, ["workspace", "digest", "key_id"])


def downgrade() -> None:
    _replace(_MANY_KEYS, _ONE_KEY, ["workspace", "digest"])


def _replace(old: str, new: str, columns: list[str]) -> None:
    # SQLite makes the table anew, and drops none that another refers to.
    sqlite = op.get_context().dialect.name == "sqlite"
    if sqlite:
        op.execute("CREATE TEMPORARY TABLE kept AS SELECT * FROM subjects")
        op.execute("DELETE FROM subjects")
    with op.batch_alter_table("leaves") as leaves:
        leaves.drop_constraint(op.f(old), type_="unique")
        leaves.create_unique_constraint(op.f(new), columns)
    if sqlite:
        op.execute("INSERT INTO subjects SELECT * FROM kept")
        op.execute("DROP TABLE kept")
