# SPDX-License-Identifier: Apache-2.0
"""One of several publishers: releases an overlay so many times, and says how it went.

Run as a program, in a person's environment: ``python -m tests.simulators.racer COUNT
OVERLAY``. Waits for a line on standard input, so that all begin together. Each release
is a JSON line: its revision, its digest, and how many tries it took. Each is of another
commit: two that said the same in the same second would be one release, rightly.
"""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

from keys.digest import Digest
from signer.predicates.parts import Source
from trustacks._cli.connect import open_client, open_pinned
from trustacks._cli.engine import open_engine
from trustacks._cli.environment import read_environment
from trustacks._cli.keyring import open_key
from trustacks._cli.output import open_output
from trustacks._cli.overlay_files import read_rules
from trustacks._cli.session import Session
from trustacks.releasing import Releaser
from trustacks.signatory import KeySignatory


def main() -> None:
    count, overlay = int(sys.argv[1]), Path(sys.argv[2])
    with Session(read_environment(), open_output(no_color=True)) as session:
        login = session.login(None)
        releaser = Releaser(
            store=open_pinned(session, login),
            api=open_client(session, login).workspace(login.workspace),
            signatory=KeySignatory(open_key(session, None)),
            engine=open_engine(session),
            clock=session.clock,
            source=Source(branch="main"),
            show=lambda _: None,
        )
        rules = read_rules(overlay)
        sys.stdin.readline()
        for number in range(count):
            commit = Digest.of(f"{os.getpid()} {number}".encode()).hex[:40]
            source = replace(releaser.source, commit=commit)
            release(replace(releaser, source=source), rules)


def release(releaser: Releaser, rules: tuple) -> None:
    done = releaser.release(rules)
    said = {"revision": done.revision, "release": str(done.digest)}
    sys.stdout.write(json.dumps({**said, "tries": done.tries}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
