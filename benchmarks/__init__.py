# SPDX-License-Identifier: Apache-2.0
"""Measurements, never tests: ratios in one run, so that the machine cancels out."""
