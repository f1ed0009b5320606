# SPDX-License-Identifier: Apache-2.0
"""Where a process of the command line begins.

Imports little before it is ready for Ctrl-C: until ``trustacks._cli.main`` is there,
this is the only place that can answer with a line instead of a traceback.
"""

import gc
import sys
from typing import Final

# Objects made before Python looks for garbage. A command makes some 200,000 that stay
# until its end; looking through them over and over takes a tenth of its time.
_BEFORE_GARBAGE: Final = 50_000


def main() -> None:
    """Run the command line of this process and exit."""
    gc.set_threshold(_BEFORE_GARBAGE)
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
