# SPDX-License-Identifier: Apache-2.0
"""Codes are an interface: one class each, stable in form, documented."""

import importlib
import pkgutil
import re

import bundle
import control_plane
import keys
import signer
import trustacks
from keys.errors import TrustacksError

PACKAGES = (keys, signer, bundle, control_plane, trustacks)
EXITS = {0, 1, 2, 3}


def all_errors() -> set[type[TrustacksError]]:
    for package in PACKAGES:
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith(("worker", "env", "__main__")) and (
                ".migrations." not in found.name
            ):
                importlib.import_module(found.name)
    todo, seen = [TrustacksError], set()
    while todo:
        error = todo.pop()
        seen.add(error)
        todo += error.__subclasses__()
    return {
        e for e in seen if e.__module__.split(".")[0] in {p.__name__ for p in PACKAGES}
    }


def test_every_error_has_a_code_of_its_own():
    codes: dict[str, type] = {}
    for error in all_errors():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", error.code), error
        assert error.code not in codes, (error, codes.get(error.code))
        codes[error.code] = error


def test_every_error_says_how_a_command_exits():
    assert {e.exit_code for e in all_errors()} <= EXITS
