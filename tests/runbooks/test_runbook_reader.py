# SPDX-License-Identifier: Apache-2.0
"""How pages are read and compared, and that every runbook is played."""

import re

import pytest

from tests.simulators.desk import PAGES
from tests.simulators.runbook import Names, read_runbook, require_same

A, B = "a" * 64, "b" * 64
PAGE = """# Title

```sh
not run
```

## First

```console title="Ann"
$ one \\
    --more
line
...
$ two
```

```console title="Ben, offline"
$ three
```

## Second

```console
$ four
```
"""


def step(shown, tmp_path):
    page = tmp_path / "page.md"
    body = "\n".join(shown)
    page.write_text(f'## S\n```console title="Ann"\n$ x\n{body}\n```\n')
    return read_runbook(page)[0]


def test_a_page_is_read_in_order_with_whose_terminal_it_is(tmp_path):
    (page := tmp_path / "page.md").write_text(PAGE)
    found = [(s.section, s.line, s.who, s.command) for s in read_runbook(page)]
    assert found == [
        ("First", 10, "Ann", "one --more"),
        ("First", 14, "Ann", "two"),
        ("First", 18, "Ben, offline", "three"),
        ("Second", 24, "Ben, offline", "four"),
    ]
    assert read_runbook(page)[0].shown == ("line", "...")


def test_a_page_that_names_nobody_is_refused(tmp_path):
    (page := tmp_path / "page.md").write_text("```console\n$ x\n```\n")
    with pytest.raises(AssertionError, match="nobody's name"):
        read_runbook(page)


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (["key:  sha256:4fe1…"], [f"key: sha256:{A}"]),
        (["0123456789abcdef  external"], ["bbbbbbbbbbbbbbbb external"]),
        (["until 2027-11-30T17:18:48Z"], ["until 2030-01-01T00:00:00Z"]),
        (["a", "...", "d"], ["a", "b", "c", "d"]),
        (["...", "d"], ["d", "d"]),
        (["a", "..."], ["a"]),
        (["a ... d"], ["a b c d"]),
    ],
)
def test_what_differs_each_time_is_the_same(shown, said, tmp_path):
    require_same(step(shown, tmp_path), said, Names())


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (["a"], ["b"]),
        (["a"], ["a", "b"]),
        (["a", "b"], ["a"]),
        (["a", "...", "d"], ["a", "d", "e"]),
        (["root 2"], ["root 3"]),
        (["sha256:4fe1… sha256:4fe1…"], [f"sha256:{A} sha256:{B}"]),
        (["0123456789abcdef"], [A]),
    ],
)
def test_what_means_something_else_is_not(shown, said, tmp_path):
    with pytest.raises(AssertionError):
        require_same(step(shown, tmp_path), said, Names())


def test_a_digest_of_the_page_is_one_of_the_run_wherever_it_stands(tmp_path):
    names = Names()
    require_same(step(["head: sha256:4fe1…"], tmp_path), [f"head: sha256:{A}"], names)
    assert names.meant("keep sha256:4fe1…") == f"keep sha256:{A}"
    with pytest.raises(AssertionError):
        require_same(
            step(["head: sha256:4fe1…"], tmp_path), [f"head: sha256:{B}"], names
        )


def test_a_test_plays_every_runbook():
    files = PAGES.parents[1].glob("tests/runbooks/test_*.py")
    tests = "".join(path.read_text() for path in files)
    played = set(re.findall(r'"([a-z-]+\.md)"', tests))
    pages = {page.name for page in PAGES.glob("*.md")} - {"index.md"}
    assert pages <= played
    linked = (PAGES / "index.md").read_text()
    assert {page for page in pages if f"({page})" not in linked} == set()
