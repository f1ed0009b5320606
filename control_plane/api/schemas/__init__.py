# SPDX-License-Identifier: Apache-2.0
"""The shapes of requests and answers. Requests refuse fields that nobody asked for.

pydantic stops here: workflows take and return values of ``signer``, ``bundle`` and the
registry.
"""
