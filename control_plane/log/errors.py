# SPDX-License-Identifier: Apache-2.0
"""What only a log's writer can find."""

from keys.errors import StorageError


class LogDamagedError(StorageError):
    """What the storage holds contradicts the checkpoint; nothing is appended."""

    code = "log-damaged"
