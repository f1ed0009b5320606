# SPDX-License-Identifier: Apache-2.0
"""Ask, judge, give the findings back: a loop without network, clock or disk."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from trustacks.drafting.judge import Judged
from trustacks.drafting.limits import MAX_REVISIONS
from trustacks.drafting.prompt import feedback


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation, in the form that providers take."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a conversation ended.

    Attributes:
        judged: The last answer.
        readable: The last answer that could be read as a draft, if any could.
        requests: How often the provider was asked.
    """

    judged: Judged
    readable: Judged | None
    requests: int


def converse(
    opening: Sequence[Message],
    *,
    ask: Callable[[Sequence[Message]], str],
    judge: Callable[[str], Judged],
    tell: Callable[[int, Judged], None],
) -> Outcome:
    """Ask for a draft until one passes, at most ``1 + MAX_REVISIONS`` times.

    Args:
        opening: Instructions and request.
        ask: Sends the messages; returns what is answered.
        judge: Reads, tests and lints it.
        tell: Is told each answer's number and what became of it.

    Raises:
        TrustacksError: Whatever ``ask`` and ``judge`` raise; nothing is tried again.
    """
    messages, readable, number = list(opening), None, 0
    while True:
        number += 1
        text = ask(messages)
        judged = judge(text)
        tell(number, judged)
        readable = judged if judged.draft is not None else readable
        if judged.passed or number > MAX_REVISIONS:
            return Outcome(judged, readable, number)
        messages += [
            Message("assistant", text),
            Message("user", feedback(judged.findings, judged.failures())),
        ]
