# SPDX-License-Identifier: Apache-2.0
"""``make bench``: run every ``bench_*.py`` and print one table.

``python -m benchmarks many ratchet`` runs those alone, and
``python -m benchmarks.bench_many FOLDER 1000`` writes an overlay to try things with.
"""

import compileall
import importlib
import pkgutil
import sys

import benchmarks
from benchmarks.measure import table
from benchmarks.overlays import ROOT

PACKAGES = ("keys", "signer", "bundle", "control_plane", "trustacks")


def main() -> None:
    # As an installed wheel has it. Where PYTHONDONTWRITEBYTECODE is set, each process
    # would compile the sources anew, and that would be measured.
    for package in PACKAGES:
        compileall.compile_dir(ROOT / package, quiet=1)
    wanted = sys.argv[1:]
    rows = []
    for found in pkgutil.iter_modules(benchmarks.__path__, "benchmarks."):
        name = found.name.rpartition(".")[2]
        if name.startswith("bench_") and (not wanted or name[6:] in wanted):
            print(f"trustacks: measuring {name[6:]}", file=sys.stderr)
            rows += importlib.import_module(found.name).rows()
    print(table(rows))


if __name__ == "__main__":
    main()
