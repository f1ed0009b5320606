# SPDX-License-Identifier: Apache-2.0
"""RFC 3161 in both directions: ask, answer, and check the answer years later.

A token says: this authority saw these bytes at this instant. The bytes are always a
signature, never the statement: that is what Sigstore's bundles carry. What a time may
decide (it can make evidence invalid; who may make it valid is a matter of custody) is
``signer.verify``'s business.
"""
