# SPDX-License-Identifier: Apache-2.0
"""Rules from plain words: a language model writes, and nothing of it is believed.

``provider`` asks it, ``answer`` reads what came back, ``judge`` tests and lints it,
``conversation`` gives the findings back, a few times. All of it is bounded, and none of
it writes a file; the command does, on a new branch, after the judge passed it.
"""
