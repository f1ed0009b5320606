# SPDX-License-Identifier: Apache-2.0
"""Sign by the services of a Sigstore instance: the room of ``signer`` with a network.

In the order of one signature::

    signing_config   which services an instance has, and how many to ask
    token            who an OIDC token says its bearer is; for showing only
    http             one bounded request, tried again where that can help
    fulcio           token and key -> certificate
    witnesses        signature -> timestamps, then its entry in a log
    rekor            what a log is asked and what it answers, v1 and v2
    sign             all of it, through the package ``sigstore``: the extra ``keyless``
    keyed            the same with a key of one's own, and no certificate
    file             what may be signed as a file, and not as a statement

Whatever a service answers is parsed as if an enemy had sent it, and what comes out at
the end is verified by ``signer.verify_bundle`` before anybody gets it. Nothing that
verifies imports this room (ADR 0046).
"""
