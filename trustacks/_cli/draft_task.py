# SPDX-License-Identifier: Apache-2.0
"""What ``rule draft`` works on: a new rule or one that is there, checked before asking.

Everything that can be refused without a provider is refused first; a conversation
takes minutes and may cost money.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bundle.confine import examine_rule
from bundle.layers import Layer
from bundle.lint.linter import Against
from bundle.overlay import RuleFiles, find_rule, read_overlay
from bundle.ratchet.child import Prover
from bundle.rego.engine import Engine
from bundle.rule import rule_id_problem
from keys.errors import UsageError
from trustacks._cli.git import Repository, find_repository
from trustacks._cli.overlay_files import new_overlay_folder
from trustacks._cli.overlay_profile import profile_of
from trustacks._cli.parent_layers import modules_of
from trustacks._cli.rule_branch import (
    free_branch,
    rewrite_on_branch,
    write_on_branch,
)
from trustacks._cli.rule_lint import against_of
from trustacks.drafting.answer import Draft, Wanted
from trustacks.drafting.conversation import Message
from trustacks.drafting.errors import RuleUncommittedError
from trustacks.drafting.judge import Judge
from trustacks.drafting.prompt import instructions, request, revision
from trustacks.errors import FileExistsRefusedError


@dataclass(frozen=True, slots=True)
class Task:
    """A wish, and where its fulfilment would go.

    Attributes:
        repository: Where the branch is made.
        judge: Judges answers, in the place where they would lie.
        opening: Instructions and request.
    """

    repository: Repository
    judge: Judge
    opening: tuple[Message, ...]

    def write(self, draft: Draft) -> tuple[str, RuleFiles]:
        """Write a draft's two files on a new branch; return both.

        Raises:
            TrustacksError: Nothing changed.
        """
        files = self.judge.files(draft)
        branch = free_branch(self.repository, files.rule_id)
        texts = {files.rule_path: files.rule, files.test_path: files.test}
        if self.judge.existing is None:
            write_on_branch(self.repository, branch, texts)
        else:
            rewrite_on_branch(self.repository, branch, texts)
        return branch, files


def new_task(
    words: str,
    rule_id: str | None,
    *,
    overlay: Path | None,
    engine: Engine,
    parents: Sequence[Layer],
) -> Task:
    """Return the task to write a new rule.

    Raises:
        UsageError: An id that no rule may have.
        FileExistsRefusedError: There is a rule of that id.
        BranchExistsError: There is a branch of that name.
        GitError: No repository, no identity of its own, or no commit yet.
    """
    if rule_id is not None and (problem := rule_id_problem(rule_id)):
        raise UsageError(
            problem[1], hint="use <namespace>.<name>, lower case, a namespace of yours"
        )
    repository = find_repository(overlay or Path())
    repository.require_identity()
    folder = new_overlay_folder(overlay)
    rules = _rules(folder)
    taken = frozenset(files.rule_id for files in rules if files.rule_id)
    if rule_id in taken:
        raise FileExistsRefusedError(
            f"expected no rule {rule_id}, got one",
            hint=f'trustacks rule draft --refine "..." {rule_id}',
        )
    if rule_id is not None:
        repository.require_new(f"policy/{rule_id}")
    against = _against(overlay, parents, rules, engine)
    judge = Judge(engine, against, folder, Wanted(rule_id, taken))
    return Task(repository, judge, _opening(parents, request(words, rule_id, taken)))


def refining_task(
    words: str,
    rule: str,
    *,
    overlay: Path | None,
    engine: Engine,
    parents: Sequence[Layer],
    prover: Prover,
) -> Task:
    """Return the task to revise a rule.

    Raises:
        NotFoundError: There is no such rule.
        RuleUncommittedError: It has changes that are in no commit.
        GitError: No repository, no identity of its own, or no commit yet.
    """
    existing = find_rule(overlay or Path(), rule)
    repository = find_repository(existing.rule_path.parent)
    repository.require_identity()
    if not repository.is_committed(existing.rule_path, existing.test_path):
        raise RuleUncommittedError(
            f"expected {existing.rule_id} as a commit has it, got changes",
            hint="commit the rule and its tests first: a draft replaces both files",
        )
    folder = new_overlay_folder(overlay)
    against = _against(overlay, parents, _rules(folder), engine)
    against = replace(against, previous=existing, prover=prover)
    wanted = Wanted(existing.rule_id, package=_package(existing, engine))
    judge = Judge(engine, against, folder, wanted, existing)
    return Task(repository, judge, _opening(parents, revision(words, existing)))


def _against(
    overlay: Path | None,
    parents: Sequence[Layer],
    rules: Sequence[RuleFiles],
    engine: Engine,
) -> Against:
    """Return what a draft is linted against: all that a rule by hand is."""
    against = against_of(parents, rules, engine)
    return replace(against, profile=profile_of(overlay))


def _opening(parents: Sequence[Layer], asked: str) -> tuple[Message, ...]:
    return Message("system", instructions(modules_of(parents))), Message("user", asked)


def _rules(folder: Path) -> tuple[RuleFiles, ...]:
    if not folder.is_dir() or not any(folder.rglob("*.rego")):
        return ()
    return read_overlay(folder).rules


def _package(files: RuleFiles, engine: Engine) -> str | None:
    examined = examine_rule(str(files.rule_path), files.rule, parse=engine.parse)
    return None if examined.rule is None else examined.rule.package
