# SPDX-License-Identifier: Apache-2.0
"""One rule: its id, what it says about itself, and the module that is it.

The id is written in the file, never derived from a path, and never changes: it is
the customer's history. Whether the module may do what it does is the question of
``bundle.confine``; here it is only read.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from bundle.finding import ConfinementError, Finding
from bundle.rego.ast import (
    Collection,
    Expr,
    ObjectTerm,
    Place,
    Ref,
    Rule,
    Scalar,
    Syntax,
)
from bundle.rego.engine import Module
from bundle.rego.reader import read_syntax
from keys.errors import FieldFormatError
from keys.fields import Fields

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
_CITATION_ID: Final = re.compile(r"[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)+")
_SOURCE: Final = re.compile(r"https://[!-~]+")

# The Environment Profile's categories and practices (vendor's schema, version 1).
TOOLING_CATEGORIES: Final = (
    "ci_cd_platform",
    "container_registry",
    "image_scanning",
    "sast_sca",
    "secret_scanning",
    "sbom_signing",
    "gitops_controller",
    "service_mesh_ingress",
    "secrets_management",
    "observability",
    "ticketing_change_mgmt",
    "compliance_evidence",
)
PRACTICES: Final = (
    "tests_in_ci",
    "linting_in_ci",
    "manual_promotion_to_prod",
    "non_root_containers",
    "supply_chain_pinning",
)


@dataclass(frozen=True, slots=True)
class Citation:
    """The authority for a rule.

    Attributes:
        id: The handle that people use, such as ``CM-TICKET-REQUIRED-001``.
        source: A link to the authority.
    """

    id: str
    description: str
    category: str
    source: str

    def to_json(self) -> dict[str, str]:
        """Return the object as attestations carry it."""
        return {
            "id": self.id,
            "description": self.description,
            "category": self.category,
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class RuleMetadata:
    """What a rule says about itself: ``rule_metadata["<rule_id>"]``.

    Attributes:
        enforcement: ``posture``, or none for a gate.
        refines: The parent rule that this one tightens, if it names one.
    """

    rule_id: str
    description: str
    required_tooling_categories: tuple[str, ...]
    practice_dimensions: tuple[str, ...]
    tier_scope: tuple[str, ...]
    citation: Citation
    enforcement: str | None = None
    target_kinds: tuple[str, ...] = ()
    refines: str | None = None


@dataclass(frozen=True, slots=True)
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
    metadata = _metadata(syntax)
    package = ".".join(syntax.package)
    return RuleModule(module.path, module.source.encode(), package, metadata)


def metadata_heads(syntax: Syntax) -> Iterator[tuple[Rule, str]]:
    """Yield every ``rule_metadata["<id>"]`` head with its id."""
    for rule in syntax.rules:
        name = rule.name
        if rule.root == "rule_metadata" and isinstance(name, Ref):
            (step, *more) = name.steps
            if isinstance(step, Scalar) and isinstance(step.value, str) and not more:
                yield rule, step.value


def literal(expr: Expr) -> Any:
    """Return the value of a ground literal.

    Raises:
        FieldFormatError: It has a name, call or operator in it.
    """
    if isinstance(expr, Scalar):
        return expr.value
    if isinstance(expr, Collection) and expr.kind == "array":
        return [literal(item) for item in expr.items]
    if isinstance(expr, ObjectTerm):
        pairs = [(literal(key), literal(value)) for key, value in expr.fields]
        value = {str(key): item for key, item in pairs}
        if len(value) != len(pairs) or not all(isinstance(k, str) for k, _ in pairs):
            raise FieldFormatError("rule_metadata: expected distinct string keys")
        return value
    raise FieldFormatError(
        f"rule_metadata: expected literals only, got {type(expr).__name__.lower()}"
    )


def _metadata(syntax: Syntax) -> RuleMetadata:
    found = list(metadata_heads(syntax))
    if len(found) != 1:
        raise _error(
            syntax,
            "metadata-missing",
            syntax.package_place,
            f'expected one rule_metadata["<rule_id>"] := {{...}}, got {len(found)}',
            'write rule_metadata["<namespace>.<name>"] := {...} once in the file',
        )
    ((rule, rule_id),) = found
    if problem := rule_id_problem(rule_id):
        code, reason = problem
        fix = "use <namespace>.<name>, lower case, with your workspace's namespace"
        raise _error(syntax, code, rule.place, reason, fix)
    if rule.value is None:
        raise _error(
            syntax,
            "metadata-field",
            rule.place,
            "expected rule_metadata to be an object, got no value",
            "write := {...} after the id",
        )
    try:
        return _read_metadata(rule_id, Fields(literal(rule.value), "rule_metadata"))
    except FieldFormatError as error:
        code = "citation" if "rule_metadata.citation" in error.message else "metadata"
        place = rule.value.place
        fix = "compare with docs/formats/rule.md"
        raise _error(syntax, f"{code}-field", place, error.message, fix) from error


def _read_metadata(rule_id: str, fields: Fields) -> RuleMetadata:
    metadata = RuleMetadata(
        rule_id=rule_id,
        description=fields.text("description"),
        required_tooling_categories=_known(
            fields, "required_tooling_categories", TOOLING_CATEGORIES
        ),
        practice_dimensions=_known(fields, "practice_dimensions", PRACTICES),
        tier_scope=fields.texts("tier_scope"),
        citation=_read_citation(_citation(fields)),
        enforcement=_optional_constant(fields, "enforcement", "posture"),
        target_kinds=fields.texts("target_kinds") if fields.has("target_kinds") else (),
        refines=fields.text("refines") if fields.has("refines") else None,
    )
    fields.done()
    return metadata


def _citation(fields: Fields) -> Fields:
    if not fields.has("citation"):
        raise FieldFormatError("rule_metadata.citation: expected an object, got none")
    return fields.object("citation")


def _read_citation(fields: Fields) -> Citation:
    citation = Citation(
        id=fields.text("id"),
        description=fields.text("description"),
        category=fields.text("category"),
        source=fields.text("source"),
    )
    fields.done()
    if not _CITATION_ID.fullmatch(citation.id):
        raise FieldFormatError(
            f"{fields.where}.id: expected an id like CM-TICKET-REQUIRED-001, "
            f"got {citation.id!r}"
        )
    if not _SOURCE.fullmatch(citation.source):
        raise FieldFormatError(
            f"{fields.where}.source: expected a https link, got {citation.source!r}"
        )
    return citation


def _known(fields: Fields, name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    values = fields.texts(name)
    for value in values:
        if value not in known:
            raise FieldFormatError(
                f"rule_metadata.{name}: expected {', '.join(known)}, got {value!r}"
            )
    return values


def _optional_constant(fields: Fields, name: str, expected: str) -> str | None:
    return fields.constant(name, expected) if fields.has(name) else None


def _error(
    syntax: Syntax, code: str, place: Place, message: str, fix: str
) -> ConfinementError:
    finding = Finding(code, syntax.path, place.line, place.column, message, fix)
    return ConfinementError([finding])
