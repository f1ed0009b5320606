# SPDX-License-Identifier: Apache-2.0
"""docs/formats/api.md says what the application does."""

import re
from pathlib import Path

from control_plane import errors
from control_plane.auth.roles import Role
from control_plane.sigstore import errors as sigstore
from keys.errors import TrustacksError

PAGE = (Path(__file__).parents[3] / "docs" / "formats" / "api.md").read_text()
# Never answered: they end the process before it listens.
NOT_ANSWERED = {"port-in-use"}


def test_the_page_names_every_operation(server):
    schema = server.http.get("/openapi.json").json()
    for path, found in schema["paths"].items():
        for method in found:
            if method != "head":
                assert f"`{method.upper()} {path}`" in PAGE


def test_the_page_names_every_refusal_of_the_service():
    codes = {
        found.code
        for module in (errors, sigstore)
        for found in vars(module).values()
        if isinstance(found, type)
        and issubclass(found, TrustacksError)
        and found.__module__ == module.__name__
        and found is not sigstore.LoginError
    }
    missing = {c for c in codes - NOT_ANSWERED if f"`{c}`" not in PAGE}
    assert not missing


def test_the_page_names_no_role_that_is_not_one():
    rows = re.findall(r"^\| `[^|]+\| ([^|]+) \|", PAGE, re.MULTILINE)
    said = {word for row in rows for word in re.findall(r"[a-z]+", row)}
    assert {role.value for role in Role} <= said


def test_the_description_has_examples_and_problems(server):
    schema = server.http.get("/openapi.json").json()
    fields = schema["components"]["schemas"]["Terms"]["properties"]
    assert fields["principal"]["examples"]
    publish = schema["paths"]["/v1/workspaces/{ws}/releases"]["post"]["responses"]
    assert "application/problem+json" in publish["4XX"]["content"]
    assert "422" not in publish


def test_no_page_loads_a_script_from_elsewhere(server):
    for path in ("/docs", "/redoc"):
        answer = server.http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
