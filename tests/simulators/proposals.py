# SPDX-License-Identifier: Apache-2.0
"""Random proposals, the same for the same seed: valid by the published schema.

They are realistic, so that rules deny some and allow some: texts come from the rules'
own constants (whole, cut, changed in case, joined to others), times lie on both sides
of the windows, optional fields are missing, and some texts are not ASCII.
"""

import random
import re
from datetime import UTC, datetime, timedelta

_LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
_PATHS = (
    "gitops/shop/prod/checkout/values.yaml",
    "gitops/billing/prod/billing-rollup/values.yaml",
    "argo-apps/argo-apps-prod/billing-rollup-application.yaml",
    "infra/secrets/database.yaml",
    "infra/network/vpc.tf",
    ".github/workflows/ci.yaml",
    "gitops/app/Dockerfile",
    "Dockerfile",
    "src/main.py",
    "infra/../etc/passwd",
    "/infra/a",
    "infra//a",
    "infra\\a",
    "gitops/größe/å.yaml",
    "gitops/\U0001f600/x",
)
_CONTENTS = (
    "",
    "x",
    "replicas: 3\n",
    "FROM x\nUSER app\n",
    "FROM x\nUSER root",
    "FROM x",
    "USER app\nUSER 0\n",
    "  - uses: actions/checkout@v5\n",
    "  - uses: actions/checkout@" + "0123456789" * 4 + " # v5\n",
    "jobs:\n  - uses: ./local\n  - uses: a/b@main\n",
    '{"kind": "Deployment", "spec": {"replicas": 3}}',
    "kind: Deployment\nmetadata: {name: a}\n",
    "naïve \u0130 \uff11\uff12 \U0001f600 e\u0301",
)
# What stands in a file of a name.
_USUAL = {"Dockerfile": _CONTENTS[3:7], ".github/": _CONTENTS[7:10]}
_TEXTS = (
    "",
    "CM-1234",
    "Planned as CM-7.",
    "ACM-12",
    "CM-",
    "cm-12",
    "CM-\uff11\uff12",
    "feature/CM-1-scale",
    "main",
    "hotfix/one",
    "\u03a3\u03bf\u03c6\u03af\u03b1 \U0001f600",
    'two\nlines\tand \\ "quotes"',
)
_PEOPLE = ("ada", "grace", "linus", "dependabot", "renovate[bot]", "Ада", "[bot]")
_GROUPS = ("security", "staff", "Security", "sre", "security ")
_LABELS = ("size/S", "skip-review", "skip-ci", "force-merge", "Skip-CI", "größe")
_TIERS = ("prod", "prod", "uat", "dev", "Prod", "prod ")
_SERVICES = ("billing-rollup", "checkout", "Billing-rollup", "billing-rollup2")
_SUNDAY = datetime(2026, 1, 4, tzinfo=UTC)


class Proposals:
    """Input documents.

    Args:
        seed: The same seed, the same documents.
        sources: Rego texts whose constants are to be hit.
    """

    def __init__(self, seed: int, sources: tuple[str, ...] = ()) -> None:
        self._random = random.Random(seed)
        found = {text for source in sources for text in _LITERAL.findall(source)}
        self._words = sorted(word for word in found if 0 < len(word) < 100) or ["x"]

    def document(self) -> dict:
        """Return one input document, as rules see it."""
        pick = self._random
        context = {
            "target": self._target(),
            "evaluated_at": self._instant(),
            **self._some(0.85, pull_request=self._pull_request),
            **self._some(0.6, service=lambda: self._text(_SERVICES) or "x"),
            **self._some(
                0.7,
                change_kind=lambda: pick.choice(
                    ("normal", "hotfix", "rollback", "bot")
                ),
            ),
            **self._some(0.3, renderer=lambda: pick.choice(("helm", "kustomize"))),
            **self._some(
                0.2, platform_repo_url=lambda: "https://git.example.com/platform"
            ),
        }
        files = [self._file() for _ in range(pick.choice((0, 1, 1, 1, 2, 3)))]
        proposal = {"files": files, **self._some(0.1, explanation=self._explanation)}
        return {"proposal": proposal, "context": context}

    def documents(self, count: int) -> list[dict]:
        """Return so many of them."""
        return [self.document() for _ in range(count)]

    # -- parts

    def _some(self, chance: float, **fields) -> dict:
        return {
            n: make() for n, make in fields.items() if self._random.random() < chance
        }

    def _text(self, usual: tuple[str, ...]) -> str:
        """Return a usual text, or one of the rules' constants in some form."""
        pick = self._random
        if pick.random() < 0.8:
            return pick.choice(usual)
        word = pick.choice(self._words)
        return pick.choice(
            (
                word,
                word.upper(),
                word.lower(),
                word[: len(word) // 2],
                f"{word}{pick.choice(self._words)}",
                f"{pick.choice(usual)}{word}",
                f"{word} ",
            )
        )

    def _label(self, usual: tuple[str, ...]) -> str:
        return self._text(usual)[:256] or "x"

    def _file(self) -> dict:
        pick = self._random
        # Most proposals keep to the folders of the repository.
        path = pick.choice(_PATHS[:7]) if pick.random() < 0.7 else self._text(_PATHS)
        usual = next((c for p, c in _USUAL.items() if p in path), _CONTENTS)
        return {"path": path[:1024] or "x", "content": self._text(usual)}

    def _target(self) -> dict:
        pick = self._random
        kinds = ("kubernetes", "ecs-fargate")
        return {
            "name": self._label(("eu-1", "us-east-1", "ü")),
            "tier": self._label(_TIERS),
            **self._some(0.5, kind=lambda: pick.choice(kinds)),
        }

    def _pull_request(self) -> dict:
        return {
            **self._some(0.8, title=lambda: self._text(_TEXTS)),
            **self._some(0.8, body=lambda: self._text(_TEXTS)),
            **self._some(0.8, branch=lambda: self._text(_TEXTS)),
            **self._some(0.8, labels=lambda: self._labels(_LABELS)),
            **self._some(0.8, author=lambda: self._label(_PEOPLE)),
            **self._some(0.8, approvals=self._approvals),
        }

    def _labels(self, usual: tuple[str, ...]) -> list[str]:
        return [self._label(usual) for _ in range(self._random.randint(0, 3))]

    def _approvals(self) -> list[dict]:
        return [
            {"user": self._label(_PEOPLE), "groups": self._labels(_GROUPS)}
            for _ in range(self._random.randint(0, 2))
        ]

    def _instant(self) -> str:
        """Return a time in one year, often on the second of a window's end."""
        pick = self._random
        hours = pick.choice((0, 2, 22, 24, 26, pick.randint(0, 8759)))
        around = timedelta(hours=hours, seconds=pick.choice((-1, 0, 1, 60)))
        at = _SUNDAY + timedelta(weeks=pick.randint(0, 50)) + around
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _explanation(self) -> dict:
        return {"why": self._text(_TEXTS), "n": [1, None, True, -0, 2**53 - 1]}
