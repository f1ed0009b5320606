# SPDX-License-Identifier: Apache-2.0
"""HTTP, and nothing else: read the request, call one workflow, write the answer.

Path operations are ``def``: everything below them blocks. Dependencies fetch what the
application was given; they build nothing.
"""
