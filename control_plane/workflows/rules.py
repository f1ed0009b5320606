# SPDX-License-Identifier: Apache-2.0
"""The rules in force: what the newest release says, and what their authors said.

Reads only. The truth is the release attestation; nothing here is for a Runner.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from control_plane.registry.models import ReleaseRow
from control_plane.services import Services
from control_plane.workflows.bodies import read_body
from control_plane.workflows.release_chain import open_release, read_chain
from control_plane.workflows.releases import head_of
from keys.digest import Digest
from signer.attestation import parse_attestation
from signer.predicates.release import InventoryItem, RetiredItem
from signer.predicates.rule import RulePredicate
from signer.statement import parse_statement


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of the newest release.

    Attributes:
        revision: Of that release, or none before the first.
        in_force: Each rule, with what its author said.
        retired: Rule ids that are no longer in force.
    """

    revision: int | None
    in_force: tuple[tuple[InventoryItem, RulePredicate], ...]
    retired: tuple[RetiredItem, ...]


def rules_in_force(services: Services, name: str) -> Rules:
    """Return the rules of the newest release.

    Raises:
        NotFoundError: No such workspace.
    """
    workspace = services.workspaces.open(name)
    head = head_of(services, workspace)
    if head is None:
        return Rules(None, (), ())
    release = open_release(read_chain(workspace, Digest.parse(head.digest))).said
    in_force = []
    for item in release.inventory:
        attestation = parse_attestation(read_body(workspace, item.head))
        statement = parse_statement(attestation.envelope.payload)
        in_force.append((item, RulePredicate.parse(statement.predicate)))
    return Rules(head.revision, tuple(in_force), release.retired)


def releases_with(
    services: Services, name: str, rows: Iterable[ReleaseRow], rule: str
) -> list[ReleaseRow]:
    """Return those releases that have a rule in force.

    Args:
        services: The server.
        name: Of the workspace.
        rows: Releases.
        rule: Its id, or the digest of its Rego.

    Raises:
        NotFoundError: No such workspace.
    """
    workspace = services.workspaces.open(name)
    found = []
    for row in rows:
        release = open_release(read_chain(workspace, Digest.parse(row.digest))).said
        names = ((item.rule_id, str(item.rule)) for item in release.inventory)
        if any(rule in one for one in names):
            found.append(row)
    return found
