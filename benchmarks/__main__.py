# SPDX-License-Identifier: Apache-2.0
"""``make bench``: run every ``bench_*.py`` and print one table.

``python -m benchmarks many ratchet`` runs those alone, and
``python -m benchmarks.bench_many FOLDER 1000`` writes an overlay to try things with.
"""

import importlib
import pkgutil
import sys

import benchmarks
from benchmarks.installed import compile_packages
from benchmarks.measure import table


def main() -> None:
    compile_packages()
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
