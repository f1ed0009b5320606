# SPDX-License-Identifier: Apache-2.0
"""Who is calling, and which calls are theirs. Never who may sign: keys decide that."""
