# SPDX-License-Identifier: Apache-2.0
"""The writing half of a workspace's log: C2SP tlog-tiles over a ``Storage``.

``Log.append`` is the only way in; what it returns is provably in the log, by a
checkpoint that is durable. Who may append, and that an attestation is stored before its
leaf, is the workflows' business; proofs are checked with ``signer.tlog``.
"""

from control_plane.log.writer import Log

__all__ = ["Log"]
