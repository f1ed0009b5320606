# SPDX-License-Identifier: Apache-2.0
"""Where a process of the command line begins.

Imports little before it is ready for Ctrl-C: until ``trustacks._cli.main`` is there,
this is the only place that can answer with a line instead of a traceback.
"""

import sys


def main() -> None:
    """Run the command line of this process and exit."""
    try:
        from trustacks._cli.main import main as command  # noqa: PLC0415 - see above

        command()
    except KeyboardInterrupt:
        sys.stderr.write("trustacks: interrupted [interrupted]\n")
        sys.exit(3)


if __name__ == "__main__":
    main()
