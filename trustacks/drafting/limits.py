# SPDX-License-Identifier: Apache-2.0
"""Bounds of a conversation with a provider, each with a unit and a reason."""

from typing import Final

# What a person asks for; a page of prose is 3,000 (characters).
MAX_WORDS_CHARS: Final = 8_000
# One answer as it arrives: a rule and its tests are under 20 KiB (bytes).
MAX_ANSWER_BYTES: Final = 256 * 1024
# A rule or its tests in an answer; a provider has no need for the platform's 256 KiB
# (bytes).
MAX_MODULE_BYTES: Final = 32 * 1024
# One call from first to last byte; large models take a minute (seconds).
CALL_SECONDS: Final = 180.0
# To reach the provider (seconds).
CONNECT_SECONDS: Final = 10.0
# How often findings go back before it is given up.
MAX_REVISIONS: Final = 3
# Testing and linting one draft; an ordinary one takes a tenth of a second (seconds).
JUDGE_SECONDS: Final = 30.0
# Findings that go back, and characters of each failure that is shown with its input.
MAX_FINDINGS: Final = 30
MAX_FAILURES: Final = 3
MAX_FAILURE_CHARS: Final = 2_000
# Rule ids of the layers below that the prompt names.
MAX_PARENT_IDS: Final = 200
