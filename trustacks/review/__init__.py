# SPDX-License-Identifier: Apache-2.0
"""A change of an overlay under review: what changed since a commit, and what it means.

The files of a pull request are hostile: they are data for the engine's child process
and text for a reader, and nothing else. Nothing here decides what is released; the
gate does, from signatures.
"""
