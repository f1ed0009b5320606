# SPDX-License-Identifier: Apache-2.0
"""What a rule says about itself, in either of its two forms.

``rule_metadata["<rule_id>"] := {...}`` in Rego, which readers of stock OPA see too, or
the same fields in a ``# METADATA`` comment over the package (OPA annotations)::

    # METADATA
    # description: A production change names a ticket.
    # custom:
    #   rule_id: acme.requires_ticket
    #   citation:
    #     id: CM-TICKET-REQUIRED-001

Where a file has both they must agree.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from bundle.rego.annotations import read_annotations
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
from keys.errors import FieldFormatError
from keys.fields import Fields
from keys.record import record

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


@record
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


@record
class RuleMetadata:
    """What a rule says about itself: ``rule_metadata["<rule_id>"]``.

    Attributes:
        enforcement: ``posture``, or none for a gate.
        refines: The parent rule that this one tightens, if it names one.
        parameters: Values for parameters of that parent, by name.
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
    parameters: tuple[tuple[str, Any], ...] = ()


@record
class Said:
    """A rule id and the fields said of it, not yet checked.

    Attributes:
        value: The fields; none if they are no literal object.
    """

    rule_id: str
    place: Place
    value: Any


def said_in_rego(syntax: Syntax) -> Iterator[Said]:
    """Yield what every ``rule_metadata["<id>"]`` head says.

    Raises:
        FieldFormatError: A value with a name, call or operator in it.
    """
    for rule, rule_id in metadata_heads(syntax):
        value = None if rule.value is None else literal(rule.value)
        yield Said(rule_id, rule.value.place if rule.value else rule.place, value)


def said_in_comments(module: Module, syntax: Syntax) -> Iterator[Said]:
    """Yield what the METADATA comment over the package says of a rule, if anything.

    Raises:
        RegoParseError: A comment that cannot be read.
        FieldFormatError: A ``custom.rule_id`` that is no text.
    """
    for annotation in read_annotations(module):
        custom = annotation.value.get("custom")
        over_package = annotation.line == syntax.package_place.line
        if over_package and isinstance(custom, dict) and "rule_id" in custom:
            fields = dict(custom)
            rule_id = fields.pop("rule_id")
            if not isinstance(rule_id, str):
                raise FieldFormatError("rule_metadata.rule_id: expected a text")
            if "description" in annotation.value:
                fields["description"] = annotation.value["description"]
            yield Said(rule_id, syntax.package_place, fields)


def read_metadata(said: Said) -> RuleMetadata:
    """Check the fields.

    Raises:
        FieldFormatError: One that is missing, unknown or ill-typed.
    """
    return _read_metadata(said.rule_id, Fields(said.value, "rule_metadata"))


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
        parameters=_parameters(fields) if fields.has("parameters") else (),
    )
    fields.done()
    if metadata.parameters and metadata.refines is None:
        raise FieldFormatError(
            "rule_metadata.refines: expected the parent of the parameters, got none"
        )
    return metadata


def _parameters(fields: Fields) -> tuple[tuple[str, Any], ...]:
    values = fields.mapping("parameters").items()
    lists = {n: tuple(v) if isinstance(v, list) else v for n, v in values}
    if not all(isinstance(v, str | int | tuple) for v in lists.values()):
        raise FieldFormatError(
            "rule_metadata.parameters: expected integers, booleans, texts or lists"
        )
    return tuple(lists.items())


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
