# SPDX-License-Identifier: Apache-2.0
"""Where a process of the command line begins.

Imports little before it is ready for Ctrl-C: until ``trustacks._cli.main`` is there,
this is the only place that can answer with a line instead of a traceback.
"""

import gc
import sys

from trustacks._cli.garbage import look_seldom


def main() -> None:
    """Run the command line of this process and exit."""
    look_seldom()
    try:
        from trustacks._cli.main import main as command  # noqa: PLC0415 - see above

        command()
    except KeyboardInterrupt:
        sys.stderr.write("trustacks: interrupted [interrupted]\n")
        sys.exit(3)
    finally:
        gc.freeze()  # what ends with the process needs no last look for cycles


if __name__ == "__main__":
    main()
