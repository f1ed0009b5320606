# SPDX-License-Identifier: Apache-2.0
"""One TUF repository per workspace: judged, published, fetched.

===================  ==============================================================
``roles``            the one table: lives, thresholds, paths, with their reasons
``keys``             our keys as TUF writes them; any key as one identity
``metadata``         strict parsing, threshold, expiry
``rootchain``        the roots from the pin on: who the admins are, in which form
``view``             all of it judged: for Runner, publisher and auditor alike
``root``             the genesis root of a workspace
``root_draft``       the next root, signed by one admin after another
``proposal``         the next targets before admins signed; ``proposal_signing``
``handed_in``        targets that admins signed elsewhere, stored
``documents``        the publisher's documents, signed and verified
``committed``        what a store has committed, followed from ``timestamp.json``
``listing``          what a role lists, and what stays of it
``staged``           signed and stored, not yet committed
``writer``           numbers that are never used twice, and the swap
``repository``       prepare, publish, refresh
``adopt``            a new root without a gap
``garbage``          what nobody needs any more; ``garbage_note``: since when
``status``           what is due
``http``             requests that end
``guard``            what python-tuf's client does not check by itself
``fetched``          one consistent set, and the files that it names
``client``           fetch from a mirror that nobody trusts
``outlived``         what has run out, read by whoever renews it
===================  ==============================================================

The first five read and decide, and import none of the others. Importing this
package imports nothing; python-tuf is loaded by the modules that use it.
"""
