# SPDX-License-Identifier: Apache-2.0
"""The auditor's side: one file of evidence, and the same gate at a past instant.

Read-only and offline: nothing here opens a socket, reads a clock or writes a file.
The auditor brings the workspace's first root and the log's public key; neither is
ever taken from the pack. The tour, in the order of a replay:

``pack``        the file: ``export_pack``, ``read_pack``; its container is ``members``
``ledger``      the log: entries, tree, and the attestation of every leaf
``history``     the admins' trust, version by version, each with its event
``statements``  who said what, judged by the trust of its place in the log
``anchors``     where the evidence ends
``releases``    each release through the Runner's own gate (``judge``)
``runners``     each Runner's reports, compared
``report``      what an auditor reads: verdict, findings, timeline, who did what

Example::

    report = replay(pack, root=root, log_key=PublicKey.from_pem(pem))
    print(report.text())
    sys.exit(0 if report else 1)
"""
