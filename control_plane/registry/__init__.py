# SPDX-License-Identifier: Apache-2.0
"""What exists: an index over log and storage, in SQLite or PostgreSQL.

The truth about trust is the log and the TUF repository; ``workflows.reindex`` rebuilds
these tables from them. Two tables have no other source: API tokens, and the open
challenges of registrations. Losing them means asking for new ones, nothing else.
"""
