# SPDX-License-Identifier: Apache-2.0
"""The Rego side: an engine behind a seam, and what a module says before it runs.

``engine`` has the protocol, ``embedded`` the default engine: regorus in a child
process with limits (``child``, ``worker``; ``frames`` is what goes between them).
``lexer`` refuses what a parser should never see; ``ast`` and ``reader`` turn a parsed
module into typed nodes by an allow-list; ``builtins`` lists the functions that mean the
same in every engine; ``testing`` runs a rule's tests.

Importing this package imports nothing else: a Runner pays for what it uses.
"""
