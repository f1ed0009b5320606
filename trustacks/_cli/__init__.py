# SPDX-License-Identifier: Apache-2.0
"""The command line. Private: what a program may use is in ``trustacks``."""
