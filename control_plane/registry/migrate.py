# SPDX-License-Identifier: Apache-2.0
"""Bring the schema to the newest version; the scripts are data of this package."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy.exc import SQLAlchemyError

from control_plane.registry.session import Registry
from keys.errors import StorageUnavailableError


def migrate(registry: Registry) -> str | None:
    """Upgrade to the newest version; return it.

    Safe to repeat. The caller holds the state directory's lock.

    Raises:
        StorageUnavailableError: The database cannot be reached or changed.
    """
    config = Config()
    config.set_main_option(
        "script_location", str(Path(__file__).with_name("migrations"))
    )
    try:
        with registry.writer.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            return MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as error:
        raise StorageUnavailableError(
            f"the registry could not be migrated: {type(error).__name__}",
            hint="check that the database can be reached and written",
        ) from error
