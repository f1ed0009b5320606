# SPDX-License-Identifier: Apache-2.0
"""Who said what about which bytes, and whether we believe it."""
