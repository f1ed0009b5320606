# SPDX-License-Identifier: Apache-2.0
"""What the Environment Profile has to say about a rule: that its tools are there."""

from collections.abc import Iterator

from bundle.errors import ProfileFormatError
from bundle.finding import Finding
from bundle.profile import Profile, read_profile
from bundle.rule import RuleModule
from keys.record import record


@record
class ProfileFile:
    """The place of an overlay's profile, and what is there.

    Attributes:
        path: Where it is, or would be.
        profile: None if there is none, or none that can be read.
        broken: What is wrong with it.
    """

    path: str
    profile: Profile | None = None
    broken: Finding | None = None


def open_profile(path: str, data: bytes | None) -> ProfileFile:
    """Read an overlay's profile; ``data`` is None if there is no file."""
    if data is None:
        return ProfileFile(path)
    try:
        return ProfileFile(path, read_profile(data))
    except ProfileFormatError as error:
        fix = "correct the profile; see docs/formats/environment-profile.md"
        found = Finding("profile-invalid", path, error.line, 1, error.message, fix)
        return ProfileFile(path, broken=found)


def profile_findings(file: ProfileFile, rule: RuleModule) -> Iterator[Finding]:
    """Yield what keeps a rule's tooling from being known to be there."""
    if file.broken is not None:
        yield file.broken
        return
    for category in rule.metadata.required_tooling_categories:
        if file.profile is None:
            message = f"expected a profile at {file.path}, got none"
            fix = f"write one that says what serves as {category}"
            yield Finding(
                "profile-missing", *_place(rule, category), message, fix, "hint"
            )
            return
        if file.profile.lacks(category):
            message = f"expected a tool for {category} in the profile, got none"
            fix = f"name it in {file.path}, or let the rule need less"
            yield Finding(
                "profile-gap", *_place(rule, category), message, fix, "warning"
            )


def _place(rule: RuleModule, category: str) -> tuple[str, int, int]:
    """Return where a rule names a category, or its beginning."""
    before = rule.source.partition(category.encode())[0]
    if before == rule.source:
        return rule.path, 1, 1
    line = before.count(b"\n") + 1
    return rule.path, line, len(before) - before.rfind(b"\n")
