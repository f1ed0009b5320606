# SPDX-License-Identifier: Apache-2.0
"""Placeholder docstring: the owner of this room writes it."""
