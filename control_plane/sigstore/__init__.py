# SPDX-License-Identifier: Apache-2.0
"""The embedded Sigstore instance: who somebody is, a certificate for it, and a log.

::

    issuer.py     OpenID Connect: an API token of this server in, an identity token out
    requests.py     what its clients may ask
    grants.py       what is open between two requests of a login: once, for minutes
    accounts.py     which address an API token's holder has
    tokens.py       identity tokens, made and checked
    pages.py        what people see of a login
    fulcio.py     an identity token and a key in, a certificate out
    authority.py    the CA: root, intermediate
    ct_log.py       the log of certificates: durable before its timestamp leaves
    entries.py    what comes into a workspace's log by Rekor's door
    trust.py      what clients are given: SigningConfig
    instance.py   all of it, joined

Rekor is each workspace's own log (``workflows.rekor``), timestamps are those of
``control_plane.tsa``. All of it is of ``control-plane`` custody: in a sovereign
workspace it decides nothing (DESIGN T1).
"""
