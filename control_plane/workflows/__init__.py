# SPDX-License-Identifier: Apache-2.0
"""Use cases. Each has its order of writes at the head of its module; no HTTP here.

Each takes ``Services``, commits what it changes before it returns, and can be repeated
after a crash at any line. Permission to call is checked before, at the edge; what a
signature may do is checked here, by ``signer`` and ``bundle``.
"""
