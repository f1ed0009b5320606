# SPDX-License-Identifier: Apache-2.0
"""One TUF repository per workspace: read, fetched, published.

===================  ==============================================================
``roles``            the one table: lives, thresholds, paths, with their reasons
``keys``             our keys as TUF writes them; any key as one identity
``metadata``         strict parsing, threshold, expiry
``view``             what the metadata says, judged: for Runner, publisher, auditor
``root``             the genesis root of a workspace
``committed``        what a store has committed, followed from ``timestamp.json``
``repository``       prepare and publish, in an order that a crash cannot spoil
``client``           fetch from a mirror that nobody trusts
===================  ==============================================================

Importing this package imports nothing; python-tuf is loaded by the modules that use it.
"""
