# SPDX-License-Identifier: Apache-2.0
"""Processes that release one workspace at once: every release is there, once, in order.

Each signs on its own machine, and again whenever another was first; none gives up, as
it would after 50 tries. Afterwards a Runner accepts the last release, and an auditor
replays them all.
"""

import json
import shutil
import time
from collections import Counter
from contextlib import contextmanager

import pytest

from tests.simulators.plane import RULE, overlay_repository, planted, serving
from tests.simulators.s3 import CREDENTIALS, REGION

# Seconds in which all releases of a race must be there: a hang, not a measurement.
_PATIENCE = 1500


def signed_overlay(plane, folder):
    """An overlay repository with one signed rule."""
    repository = overlay_repository(folder)
    overlay = ("--overlay", repository)
    plane.alice.must("rule", "new", RULE, "--from", "change-calendar", *overlay)
    plane.alice.must("rule", "sign", RULE, *overlay)
    return repository


def racers(plane, folder, urls, count):
    """Copies of the release identity on machines of their own, at several servers."""
    for number in range(count):
        one = plane.ci.copy(folder / f"racer-{number}")
        config = one.home / "config.yaml"
        url = urls[number % len(urls)]
        config.write_text(config.read_text().replace(plane.url, url))
        yield one


def race(plane, folder, *, urls, writers, each):
    """Return what each process said, and how many seconds it took."""
    repository = signed_overlay(plane, folder / "policy")
    people = list(racers(plane, folder, urls, writers))
    words = ["-m", "tests.simulators.racer", str(each), str(repository)]
    processes = [start(person, words, folder) for person in people]
    began = time.monotonic()
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = []
    for process in processes:
        out, err = process.communicate(timeout=_PATIENCE)
        assert process.returncode == 0, err
        said += map(json.loads, out.splitlines())
    return said, time.monotonic() - began


def start(person, words, folder):
    return person._process(words, folder, hears=True)


def check(plane, folder, said, *, writers, each):
    """200 of 200, in order, none doubled; a Runner and an auditor agree."""
    total = writers * each
    assert len(said) == total
    assert [one["revision"] for one in sorted(said, key=lambda s: s["revision"])] == (
        list(range(1, total + 1))
    )
    assert max(Counter(one["release"] for one in said).values()) == 1
    by_revision = {one["revision"]: one["release"] for one in said}
    pack = folder / "pack.tar"
    plane.admin.must("audit", "export", "-o", pack)
    replayed = plane.admin.must("audit", "replay", pack, "--json").value
    found = replayed["releases"]
    assert [one["revision"] for one in found] == list(range(1, total + 1))
    assert {one["outcome"] for one in found} == {"same"}
    assert {one["revision"]: one["attestation"] for one in found} == by_revision
    step = plane.ci.must("runner", "step", "--state", plane.runner, "--json").value
    assert (step["outcome"], step["revision"]) == ("activated", total)


def report(name, said, seconds):
    tries = [one["tries"] for one in said]
    print(  # noqa: T201 - the counts are what a race is run for
        f"{name}: {len(said)} releases in {seconds:.0f} s, {sum(tries)} tries,"
        f" at most {max(tries)} for one"
    )


@contextmanager
def on_directory(folder):
    with planted(folder) as plane:
        yield plane, [plane.url]


@contextmanager
def on_s3(folder, s3, database):
    """Two servers with one bucket and one database."""
    settings = {
        **CREDENTIALS,
        "TRUSTACKS_STORAGE": f"s3://{s3.name}/trust",
        "TRUSTACKS_S3_ENDPOINT_URL": s3.url,
        "TRUSTACKS_S3_REGION": REGION,
        "TRUSTACKS_DATABASE_URL": database,
    }
    with planted(folder, **settings) as plane:
        other = folder / "other-server"
        shutil.copytree(plane.state, other)
        with serving(other, **settings) as second:
            yield plane, [plane.url, second]


@pytest.mark.parametrize(
    ("writers", "each"),
    [(3, 3), pytest.param(8, 25, marks=pytest.mark.race)],
    ids=["3x3", "8x25"],
)
def test_on_sqlite_and_a_directory(tmp_path, writers, each):
    with on_directory(tmp_path / "plane") as (plane, urls):
        said, seconds = race(plane, tmp_path, urls=urls, writers=writers, each=each)
        check(plane, tmp_path, said, writers=writers, each=each)
    report("SQLite and a directory", said, seconds)


@pytest.mark.integration
@pytest.mark.race
@pytest.mark.parametrize(("writers", "each"), [(8, 25)], ids=["8x25"])
def test_two_servers_on_postgresql_and_s3(tmp_path, s3, postgresql_url, writers, each):
    with on_s3(tmp_path / "plane", s3, postgresql_url) as (plane, urls):
        said, seconds = race(plane, tmp_path, urls=urls, writers=writers, each=each)
        check(plane, tmp_path, said, writers=writers, each=each)
    report("PostgreSQL and S3, two servers", said, seconds)
