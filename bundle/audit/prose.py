# SPDX-License-Identifier: Apache-2.0
"""The records of an audit in plain words: who did what, and how it compares."""

from collections.abc import Iterator

from bundle.audit.people import Registration
from bundle.audit.records import (
    Outcome,
    ReleaseRecord,
    ReportRecord,
    RuleRecord,
    TimelineItem,
)
from keys.clock import format_instant


def timeline_line(item: TimelineItem) -> str:
    """Return what happened as one line."""
    mark = "" if item.anchored else "  (unanchored)"
    return f"{format_instant(item.at)}  #{item.entry:<5} {item.text}{mark}"


def release_lines(release: ReleaseRecord) -> Iterator[str]:
    """Yield a release with its rules: who registered, tested, linted, signed each."""
    yield f"release {release.revision}: {_outcome(release.outcome, release.code)}"
    if release.at and release.expires:
        yield (
            f"  at {format_instant(release.at)}, good until "
            f"{format_instant(release.expires)}"
        )
    if release.content:
        yield f"  content    {release.content}"
    if release.signer:
        yield f"  released   by {_who(release.signer)}"
    for one in release.cosigners:
        yield f"  signed     by {_who(one)} too"
    if release.activated_by:
        yield f"  activated  by {', '.join(release.activated_by)}"
    for rule in release.rules:
        yield from _rule(rule)


def _rule(rule: RuleRecord) -> Iterator[str]:
    signed = (f"also signed by {one}" for one in rule.cosigners)
    behind = ", ".join((rule.change, *signed, *rule.approvals))
    yield f"  rule {rule.rule_id} ({behind}), {rule.citation}"
    if rule.author:
        yield f"    registered {_registered(rule.author)}"
    yield f"    tested     {rule.tested}"
    yield f"    linted     {rule.linted}"
    who = _who(rule.author) if rule.author else "nobody known"
    yield f"    signed     {format_instant(rule.signed_at)} by {who}, #{rule.entry}"


def _registered(registration: Registration) -> str:
    admin = registration.admin or "an unverified event"
    when = f" at {format_instant(registration.at)}" if registration.at else ""
    proof = (
        f", with proof of possession #{registration.proof}"
        if registration.proof is not None
        else ", without proof of possession"
    )
    return (
        f"{registration.identity.id} by {admin}{when} "
        f"(trust change to targets {registration.targets_version}, "
        f"#{registration.index}){proof}"
    )


def report_line(report: ReportRecord) -> str:
    """Return a Runner's report, and how it compares, as one line."""
    detail = f": {report.detail}" if report.detail else ""
    revision = "nothing" if report.revision is None else f"revision {report.revision}"
    return (
        f"{format_instant(report.at)}  {report.runner} {report.sequence}: "
        f"{report.said}, {revision} active  {report.outcome.value}{detail}"
    )


def _outcome(outcome: Outcome, code: str | None) -> str:
    return f"{outcome.value} [{code}]" if code else outcome.value


def _who(registration: Registration) -> str:
    identity = registration.identity
    return f"{identity.id} ({identity.principal}, {identity.custody.value} custody)"
