# SPDX-License-Identifier: Apache-2.0
"""Who holds a key, and the ground that every other room stands on.

Errors with stable codes, time as an argument, records, digests, strict parsing, durable
writes, public keys, and signing keys behind one seam. Nothing here knows what a
statement, a bundle or a workspace is.
"""

__version__ = "0.1.0"
