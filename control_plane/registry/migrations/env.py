# SPDX-License-Identifier: Apache-2.0
"""Run the migrations on the connection that ``migrate`` brings, or print SQL."""

from alembic import context

from control_plane.registry.models import Base

connection = context.config.attributes.get("connection")
if connection is None:
    context.configure(
        dialect_name=context.config.get_main_option("dialect"),
        target_metadata=Base.metadata,
        literal_binds=True,
    )
else:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
    )
with context.begin_transaction():
    context.run_migrations()
