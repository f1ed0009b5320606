# SPDX-License-Identifier: Apache-2.0
"""Two of several people who release at once, where two must sign each release.

Run as a program, in the environment of who releases: ``python -m
tests.simulators.cosigning_racer COUNT OVERLAY FOLDER``, FOLDER the other's. As
``racer``, but that each release waits for the other's signature; where somebody else's
came first meanwhile, both sign another one. Tries count the signatures of both.
"""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

from bundle.overlay import RuleFiles
from keys.digest import Digest
from signer.predicates.parts import Source
from tests.simulators.plane import Person
from trustacks._cli.connect import open_client, open_pinned
from trustacks._cli.engine import open_engine
from trustacks._cli.environment import read_environment
from trustacks._cli.keyring import open_key
from trustacks._cli.output import open_output
from trustacks._cli.overlay_files import read_rules
from trustacks._cli.session import Session
from trustacks.errors import ControlPlaneRefusalError
from trustacks.pending import ReleaseCosigner
from trustacks.release_errors import PendingStaleError
from trustacks.releasing import Released, Releaser
from trustacks.signatory import KeySignatory

_STALE = "release-predecessor-stale"
# A race that does not end is a fault; the unluckiest of sixteen needs a quarter.
_MOST_TRIES = 200


def main() -> None:
    count, overlay, other = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    output = open_output(no_color=True)
    with (
        Session(read_environment(), output) as first,
        Session(read_environment(Person(other).variables), output) as second,
    ):
        parts = {"clock": first.clock, "show": lambda _: None}
        releaser = Releaser(**parts, **_opened(first), source=Source(branch="main"))
        cosigner = ReleaseCosigner(**parts, **_opened(second))
        rules = read_rules(overlay)
        sys.stdin.readline()
        for number in range(count):
            commit = Digest.of(f"{os.getpid()} {number}".encode()).hex[:40]
            source = replace(releaser.source, commit=commit)
            release(replace(releaser, source=source), cosigner, rules)


def _opened(session: Session) -> dict:
    login = session.login(None)
    return {
        "store": open_pinned(session, login),
        "api": open_client(session, login).workspace(login.workspace),
        "signatory": KeySignatory(open_key(session, None)),
        "engine": open_engine(session),
    }


def release(
    releaser: Releaser, cosigner: ReleaseCosigner, rules: tuple[RuleFiles, ...]
) -> None:
    tries = 0
    while tries < _MOST_TRIES:
        waits = releaser.release(rules)
        tries += waits.tries
        if published(waits, cosigner):
            said = {"revision": waits.revision, "release": str(waits.digest)}
            sys.stdout.write(json.dumps({**said, "tries": tries}) + "\n")
            sys.stdout.flush()
            return
        releaser.turns.lost()
    raise AssertionError(f"expected a release in {_MOST_TRIES} tries, got none")


def published(waits: Released, cosigner: ReleaseCosigner) -> bool:
    """Sign as the other, and publish; False: another release was first."""
    try:
        pending = cosigner.find(str(waits.digest))
        signed = cosigner.sign(cosigner.review(pending))
        cosigner.hand_in(signed, known=len(pending.signatures))
        cosigner.publish(signed)
    except PendingStaleError:
        return False
    except ControlPlaneRefusalError as error:
        if error.passed_code != _STALE:
            raise
        return False
    return True


if __name__ == "__main__":
    main()
