# SPDX-License-Identifier: Apache-2.0
"""What an agent may ask about an overlay: to list, explain, test and lint.

Nothing here writes, signs, merges or opens a connection, and no tool takes a path. Only
``server`` knows the protocol.
"""
