# SPDX-License-Identifier: Apache-2.0
"""Measurements, never tests: ratios taken in one run, so that the machine cancels out."""
