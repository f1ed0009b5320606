# SPDX-License-Identifier: Apache-2.0
import io

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from control_plane.registry import migrate as migrate_module
from control_plane.registry import repository
from control_plane.registry.migrate import migrate
from control_plane.registry.models import (
    Base,
    LeafRow,
    ReleaseRow,
    ReportRow,
    TokenRow,
    WorkspaceRow,
)
from control_plane.registry.session import Registry
from keys.digest import Digest
from keys.errors import StorageUnavailableError

AT = "2026-01-31T09:00:00Z"


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)]
)
def registry(request, tmp_path):
    url = f"sqlite:///{tmp_path / 'r.sqlite3'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    found = Registry(url)
    migrate(found)
    with found.write() as session:
        session.add(
            WorkspaceRow(name="acme", digest=str(Digest.of(b"root")), created_at=AT)
        )
    yield found
    found.close()


@pytest.mark.parametrize("registry", ["sqlite"], indirect=True)
def test_sqlite_is_durable_and_holds_foreign_keys(registry):
    with registry.read() as session:
        pragma = session.connection().exec_driver_sql
        assert pragma("PRAGMA journal_mode").scalar() == "wal"
        assert pragma("PRAGMA synchronous").scalar() == 2
        assert pragma("PRAGMA foreign_keys").scalar() == 1


def test_migrating_again_changes_nothing(registry):
    assert migrate(registry) == migrate(registry) == "0003"


def test_the_migrations_make_exactly_the_models(registry):
    with registry.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []


def test_downgrading_leaves_no_table(registry):
    config = _config()
    with registry.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        assert inspect(connection).get_table_names() == ["alembic_version"]


def test_schema_and_migrations_are_valid_for_postgresql():
    for table in Base.metadata.sorted_tables:
        assert str(CreateTable(table).compile(dialect=postgresql.dialect()))
    printed = io.StringIO()
    config = _config(printed)
    config.set_main_option("dialect", "postgresql")
    command.upgrade(config, "head", sql=True)
    for table in Base.metadata.sorted_tables:
        assert f"CREATE TABLE {table.name} " in printed.getvalue()


def _config(printed=None):
    config = Config(output_buffer=printed)
    scripts = migrate_module.__file__.removesuffix("migrate.py") + "migrations"
    config.set_main_option("script_location", scripts)
    return config


def test_a_write_that_fails_leaves_nothing(registry):
    def add_and_fail():
        with registry.write() as session:
            session.add(_leaf(0))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        add_and_fail()
    with registry.read() as session:
        assert repository.count_leaves(session, "acme") == 0


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(lambda: _leaf(0, workspace="other"), id="unknown-workspace"),
        pytest.param(lambda: _leaf(-1), id="negative-index"),
        pytest.param(lambda: _token("owner"), id="unknown-role"),
        pytest.param(lambda: _release(0), id="revision-zero"),
        pytest.param(lambda: _report("r", 0), id="sequence-zero"),
    ],
)
def test_the_database_itself_refuses(registry, row):
    with pytest.raises(StorageUnavailableError), registry.write() as session:
        session.add(row())


def test_one_attestation_is_one_leaf(registry):
    with registry.write() as session:
        session.add(_leaf(0, body=b"same"))
    with pytest.raises(StorageUnavailableError), registry.write() as session:
        session.add(_leaf(1, body=b"same"))


def test_leaves_are_found_by_subject_and_paged(registry):
    subject, other = Digest.of(b"s"), Digest.of(b"o")
    with registry.write() as session:
        for index in range(4):
            about = [subject, subject] if index % 2 == 0 else [other]
            repository.add_leaf(session, _leaf(index), about)
    with registry.read() as session:
        found = repository.leaves_about(session, "acme", subject, start=0, limit=10)
        assert [row.leaf_index for row in found] == [0, 2]
        found = repository.leaves_about(session, "acme", subject, start=1, limit=10)
        assert [row.leaf_index for row in found] == [2]
        found = repository.leaves_about(session, "acme", subject, start=0, limit=1)
        assert [row.leaf_index for row in found] == [0]
        assert repository.count_leaves(session, "acme") == 4


def test_leaves_are_found_by_who_signed_them_and_by_what_they_say(registry):
    key = "f" * 64
    with registry.write() as session:
        for index, (who, kind) in enumerate(
            [("ann", "rule"), ("ben", "rule"), (None, "rule"), ("ann", "lint")]
        ):
            row = _leaf(index)
            row.identity, row.predicate_type = who, kind
            row.key_id = key if who is None else row.key_id
            repository.add_leaf(session, row, [])

    def by(who, key_id=None, kind=None, start=0, limit=9):
        with registry.read() as session:
            rows = repository.leaves_by(
                session,
                "acme",
                who,
                key_id=key_id,
                kind=kind,
                start=start,
                limit=limit,
            )
            return [row.leaf_index for row in rows]

    assert by("ann") == [0, 3]
    assert by("ann", kind="lint") == [3]
    assert by("ann", start=1) == [3]
    assert by("ann", limit=1) == [0]
    assert by("ben", key_id=key) == [1, 2]  # indexed before anybody asked who
    assert by("ann", key_id="0" * 64) == [0, 3]


def test_the_head_is_the_highest_revision(registry):
    with registry.write() as session:
        session.add_all([_release(n) for n in (1, 3, 2)])
    with registry.read() as session:
        head = repository.head_release(session, "acme")
        assert head is not None
        assert head.revision == 3
        listed = repository.list_releases(session, "acme", start=2, limit=9)
        assert [row.revision for row in listed] == [2, 3]
        assert repository.head_release(session, "other") is None


def test_each_runner_shows_its_newest_report(registry):
    with registry.write() as session:
        session.add_all([_report("a", 1), _report("a", 2), _report("b", 7)])
    with registry.read() as session:
        rows = repository.last_reports(session, "acme")
        assert [(r.runner, r.sequence) for r in rows] == [("a", 2), ("b", 7)]
        assert repository.last_report(session, "acme", "c") is None


def _leaf(index, *, workspace="acme", body=None):
    return LeafRow(
        workspace=workspace,
        leaf_index=index,
        digest=str(Digest.of(body or b"%d" % index)),
        predicate_type="t",
        key_id="k",
    )


def _token(role):
    return TokenRow(
        id="1", digest="d", role=role, subject="s", created_at=AT, expires_at=AT
    )


def _release(revision):
    return ReleaseRow(
        workspace="acme",
        revision=revision,
        digest=f"d{revision}",
        archive="a",
        content="c",
        identity="i",
        issued_at=AT,
        expires_at=AT,
    )


def _report(runner, sequence):
    return ReportRow(
        workspace="acme",
        runner=runner,
        sequence=sequence,
        digest="d",
        outcome="held",
        at=AT,
    )


def test_a_schema_of_before_keeps_its_leaves_and_takes_a_second_key(registry):
    config = _config()
    with registry.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
    one = Digest.of(b"statement")

    def add(index, key):
        with registry.write() as session:
            row = LeafRow(
                workspace="acme",
                leaf_index=index,
                digest=str(one),
                predicate_type="rule",
                key_id=key * 64,
            )
            repository.add_leaf(session, row, [one])

    with registry.engine.begin() as connection:
        columns = "workspace, leaf_index, digest, predicate_type, key_id"
        values = f"'acme', 0, '{one}', 'rule', '{'a' * 64}'"
        connection.execute(text(f"INSERT INTO leaves ({columns}) VALUES ({values})"))
        values = f"'acme', 0, '{one}'"
        columns = "workspace, leaf_index, digest"
        connection.execute(text(f"INSERT INTO subjects ({columns}) VALUES ({values})"))
    assert migrate(registry) == "0003"
    add(1, "b")
    with registry.read() as session:
        assert repository.count_leaves(session, "acme") == 2
        about = repository.leaves_about(session, "acme", one, start=0, limit=9)
        assert [row.key_id[0] for row in about] == ["a", "b"]
        find = repository.find_leaf
        assert find(session, "acme", one).leaf_index == 0
        assert find(session, "acme", one, key_id="b" * 64).leaf_index == 1
        assert find(session, "acme", one, key_id="c" * 64) is None
