# SPDX-License-Identifier: Apache-2.0
"""The service: state, permission, log and HTTP.

It decides nothing about trust that ``signer`` and ``bundle`` have not decided: a
release is published only after the Runner's own gate has passed it, and what a Runner
believes comes from TUF metadata, never from an answer of this service.

Rooms, outermost first: ``run`` and ``app`` (process, HTTP), ``api`` (thin routers),
``services`` (the one place where parts are joined), ``workflows`` (use cases, no HTTP),
``auth``, ``log`` and ``tsa``, ``registry`` (an index that can be rebuilt), and at the
ground ``settings``, ``errors``, ``limits``.
"""
