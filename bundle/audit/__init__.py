# SPDX-License-Identifier: Apache-2.0
"""The auditor's side: one file of evidence, and the same gate at a past instant.

Read-only and offline: nothing here opens a socket, reads a clock or writes a file.
The auditor brings the workspace's first root and the log's public key; neither is
ever taken from the pack.
"""
