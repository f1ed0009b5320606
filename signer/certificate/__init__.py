# SPDX-License-Identifier: Apache-2.0
"""Certificates of signers: what one claims, who issued it, and who saw it issued.

A certificate lives for minutes and says which workload or person an issuer of OIDC
tokens vouched for. Each function here is pure in bytes, so its successes are kept in
bounded caches; windows depend on time and are checked anew at every use, and a refusal
is never kept.
"""
