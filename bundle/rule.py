# SPDX-License-Identifier: Apache-2.0
"""One rule: its id, what it says about itself, and the module that is it.

The id is written in the file, never derived from a path, and never changes: it is
the customer's history. Whether the module may do what it does is the question of
``bundle.confine``; here it is only read.
"""

import re
from typing import Any, Final

from bundle.finding import ConfinementError, Finding
from bundle.rego.ast import Place, Syntax
from bundle.rego.engine import Module
from bundle.rego.reader import read_syntax
from bundle.rule_metadata import (
    Citation,
    RuleMetadata,
    Said,
    read_metadata,
    said_in_comments,
    said_in_rego,
)
from keys.errors import FieldFormatError
from keys.record import record

__all__ = [
    "Citation",
    "RuleMetadata",
    "RuleModule",
    "read_rule",
    "rule_id_problem",
    "rule_of",
]

# The binding cap of the vendor's naming standard, version 2.
MAX_RULE_ID_CHARS: Final = 64
RESERVED_NAMESPACES: Final = (
    "argocd",
    "constitution",
    "posture",
    "practice",
    "proposal",
    "trustacks",
)
_RULE_ID: Final = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")


@record
class RuleModule:
    """A rule that was read.

    Attributes:
        path: The file, as the caller named it.
        source: Its bytes.
        package: ``overlay.<leaf>``.
    """

    path: str
    source: bytes
    package: str
    metadata: RuleMetadata

    @property
    def rule_id(self) -> str:
        """The rule's id."""
        return self.metadata.rule_id

    @property
    def deny_path(self) -> str:
        """What an engine is asked for this rule's denies."""
        return f"data.{self.package}.deny"


def rule_id_problem(text: str) -> tuple[str, str] | None:
    """Return finding code and reason if ``text`` cannot be an overlay rule's id."""
    if len(text) > MAX_RULE_ID_CHARS:
        return (
            "rule-id-length",
            f"expected at most {MAX_RULE_ID_CHARS} characters, got {len(text)}",
        )
    if not _RULE_ID.fullmatch(text):
        return (
            "rule-id-grammar",
            f"expected a rule id like acme.requires_ticket, got {text!r}",
        )
    namespace = text.partition(".")[0]
    if namespace in RESERVED_NAMESPACES:
        return (
            "rule-id-reserved",
            f"expected a namespace of your own, got {namespace!r}",
        )
    return None


def read_rule(module: Module, tree: dict[str, Any]) -> RuleModule:
    """Read a rule from its module and the engine's syntax tree of it.

    Raises:
        ConfinementError: It has no metadata, or metadata with a wrong field.
        UnknownSyntaxError: It uses Rego that no check knows.
    """
    return rule_of(module, read_syntax(module, tree))


def rule_of(module: Module, syntax: Syntax) -> RuleModule:
    """Read a rule from typed syntax; see ``read_rule``."""
    metadata = _metadata(module, syntax)
    package = ".".join(syntax.package)
    return RuleModule(module.path, module.source.encode(), package, metadata)


def _metadata(module: Module, syntax: Syntax) -> RuleMetadata:
    where = syntax.package_place
    try:
        in_rego = list(said_in_rego(syntax))
        said = [*in_rego, *said_in_comments(module, syntax)]
        if len(in_rego) > 1 or len({item.rule_id for item in said}) != 1:
            raise _error(
                syntax,
                "metadata-missing",
                where,
                f'expected one rule_metadata["<rule_id>"] := {{...}}, got {len(said)}',
                'write rule_metadata["<namespace>.<name>"] := {...} once in the file',
            )
        where = said[0].place
        _require_id(syntax, said[0])
        first, *others = [read_metadata(item) for item in said]
    except FieldFormatError as error:
        code = "citation" if "rule_metadata.citation" in error.message else "metadata"
        fix = "compare with docs/formats/rule.md"
        raise _error(syntax, f"{code}-field", where, error.message, fix) from error
    if any(other != first for other in others):
        message = "expected rule_metadata and the METADATA comment to agree"
        fix = "keep one of the two"
        raise _error(syntax, "metadata-form", where, message, fix)
    return first


def _require_id(syntax: Syntax, said: Said) -> None:
    if problem := rule_id_problem(said.rule_id):
        code, reason = problem
        fix = "use <namespace>.<name>, lower case, with your workspace's namespace"
        raise _error(syntax, code, said.place, reason, fix)


def _error(
    syntax: Syntax, code: str, place: Place, message: str, fix: str
) -> ConfinementError:
    finding = Finding(code, syntax.path, place.line, place.column, message, fix)
    return ConfinementError([finding])
