# SPDX-License-Identifier: Apache-2.0
"""``python -m trustacks`` is the command line."""

from trustacks._cli.main import main

if __name__ == "__main__":
    main()
