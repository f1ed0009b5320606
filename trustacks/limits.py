# SPDX-License-Identifier: Apache-2.0
"""Bounds of the client and the command line, each with a unit and a reason."""

from typing import Final

# The largest JSON answer is a page of log entries; 10,000 identities fit too (bytes).
MAX_ANSWER_BYTES: Final = 32 * 1024 * 1024
# An RFC 3161 answer with a chain of three certificates is 5 KiB (bytes).
MAX_TIMESTAMP_BYTES: Final = 64 * 1024
# One role's first root with ten keys is under 10 KiB (bytes).
MAX_ROOT_BYTES: Final = 512 * 1024
# A config.yaml with a hundred workspaces is under 50 KiB (bytes).
MAX_CONFIG_BYTES: Final = 256 * 1024
# 10,000 rules of the newest release, an id and a digest each (bytes).
MAX_RELEASED_BYTES: Final = 2 * 1024 * 1024
# Tokens and passphrases are one short line (bytes).
MAX_SECRET_BYTES: Final = 4096
# An input document given to `runner decide`; its files are a pull request (bytes).
MAX_INPUT_BYTES: Final = 8 * 1024 * 1024
# An answer on loopback takes milliseconds; publishing a release fsyncs often (seconds).
ANSWER_SECONDS: Final = 60.0
CONNECT_SECONDS: Final = 5.0
# DESIGN 8: the loser of a release race signs again, at most this often.
MAX_RELEASE_TRIES: Final = 50
# What a lost try counts for as a turn: on loopback it takes 0.3 s; one that took longer
# than the upper bound waited for the network, which says nothing of a crowd (seconds).
MIN_TURN_S: Final = 0.1
MAX_TURN_S: Final = 3.0
# DESIGN 9, T6: a release attestation lives this long unless it is renewed (days).
RELEASE_DAYS: Final = 7
# A registered key is looked at again after a year (days).
IDENTITY_DAYS: Final = 365
# A proof of possession: an attestation in base64, and a key (bytes).
MAX_PROOF_BYTES: Final = 1024 * 1024
