# SPDX-License-Identifier: Apache-2.0
"""The database's errors in our words."""

import contextlib
from collections.abc import Iterator

from sqlalchemy.exc import DatabaseError, SQLAlchemyError

from keys.errors import StorageUnavailableError


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Raise ``StorageUnavailableError`` for what the database refuses."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = error.orig if isinstance(error, DatabaseError) else error
        raise StorageUnavailableError(
            f"the registry refused: {type(cause).__name__}: {cause}",
            hint="look at the disk and the database server",
        ) from error
