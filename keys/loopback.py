# SPDX-License-Identifier: Apache-2.0
"""Whether a host is this machine: plain HTTP is safe there, and no proxy is asked."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, by its name or address alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
