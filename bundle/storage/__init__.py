# SPDX-License-Identifier: Apache-2.0
"""Durable objects by name: the duties of a store; a directory and a bucket keep them.

A store holds the bytes of one workspace: TUF metadata and targets, the log, the
attestations. It interprets nothing. Two kinds of object, never mixed under one name:
immutable ones (``put_immutable``) and ones that move on (``replace``).

Example:
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from bundle.storage.directory import DirectoryStorage
    >>> with TemporaryDirectory() as folder:
    ...     storage = DirectoryStorage(Path(folder))
    ...     storage.put_immutable("targets/a", b"1")
    ...     storage.get("targets/a", max_bytes=10), storage.names("")
    (b'1', ['targets/a'])
"""
