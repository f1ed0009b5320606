# SPDX-License-Identifier: Apache-2.0
"""The policy linter: what an author is told before anybody signs.

``lint_rule`` says everything at once: whether the rule is confined (the same function
as in every Runner), portable, complete, tested, and compiles with its parents. Errors
refuse; warnings go into the attestation; hints are what a careful reviewer would ask.
"""

from bundle.lint.linter import lint_overlay, lint_rule
from bundle.lint.parents import lint_layer
from bundle.lint.report import LINTER_VERSION, LintReport

__all__ = ["LINTER_VERSION", "LintReport", "lint_layer", "lint_overlay", "lint_rule"]
