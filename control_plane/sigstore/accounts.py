# SPDX-License-Identifier: Apache-2.0
"""Which address the holder of an API token has, in certificates.

``alice`` in the workspace acme is ``alice@acme.<public_host>``; whose token is for all
workspaces has ``alice@<public_host>``. The domain is this server's to give, so that an
admin of one workspace, who may name token holders there as they like, makes nobody of
another. An address as a name is written with ``=``: ``alice=example.com@acme...``.
"""

import re
from typing import Final

from control_plane.auth.roles import Caller, Permission
from control_plane.sigstore.errors import AccountNameError

# RFC 5321 §4.1.2 Dot-string, of fewer characters; `=` is ours, so that no two names
# become one address.
_ATOM: Final = r"[A-Za-z0-9_+-]+"
_NAME: Final = re.compile(rf"{_ATOM}(\.{_ATOM})*(@{_ATOM}(\.{_ATOM})*)?")
# RFC 5321 §4.5.3.1.1: octets of a local part.
_MAX_LOCAL: Final = 64


def mailbox_of(caller: Caller, public_host: str) -> str:
    """Return the address of a token's holder.

    Raises:
        NotPermittedError: A role that signs nothing.
        AccountNameError: A name that no address can be made of.
    """
    caller.require(Permission.SIGN, caller.workspace)
    name = caller.subject
    if not _NAME.fullmatch(name) or len(name) > _MAX_LOCAL:
        raise AccountNameError(
            f"expected a name of letters, digits and .+-_ up to {_MAX_LOCAL}, "
            f"got {name!r}",
            hint="an admin makes a token with another --subject",
        )
    return f"{name.replace('@', '=')}@{domain_of(caller.workspace, public_host)}"


def domain_of(workspace: str | None, public_host: str) -> str:
    """Return the domain of a workspace's people, or of the server's."""
    return f"{workspace}.{public_host}" if workspace else public_host
