# SPDX-License-Identifier: Apache-2.0
"""The options that name an OIDC token and a Sigstore instance; nothing heavy is loaded.

A token on the command line can be read by who shares the machine: ``--identity-token``
is there because CI systems hand tokens over as text, a file is better.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from keys.errors import UsageError
from keys.record import record
from trustacks._cli.files import require_given

F = TypeVar("F", bound=Callable[..., Any])

# Stands for a file of the public-good instance, wherever one is asked for.
PUBLIC_GOOD: Final = "public-good"
# An account is the login's own, at a Control Plane that is an issuer.
ACCOUNT: Final = "account"
WAYS: Final = ("auto", "ambient", "browser", "device", ACCOUNT)

_TOKEN: Final = (
    click.option(
        "--oidc",
        type=click.Choice(WAYS),
        help="Sign as yourself, or as this CI's workload, and not with a key.",
    ),
    click.option("--identity-token", metavar="TOKEN", help="The OIDC token itself."),
    click.option(
        "--identity-token-file",
        type=click.Path(path_type=Path),
        help="A file with the OIDC token.",
    ),
    click.option(
        "--oidc-audience",
        metavar="NAME",
        default="sigstore",
        show_default=True,
        help="Who must be meant to receive the token.",
    ),
)
_CONFIG: Final = click.option(
    "--signing-config",
    metavar="FILE|public-good",
    help="Sigstore's SigningConfig: the services that sign.",
)
_ROOT: Final = click.option(
    "--trusted-root",
    metavar="FILE|public-good",
    help="Sign outside of every workspace, by the word of this TrustedRoot.",
)


@record
class Asked:
    """What the options say.

    Args:
        key: The key's name or URI, if one is named.
        way: How to get a token; none for a key, or if a token is given.
        token: The token itself.
        token_file: Where it is.
        audience: Who must be meant to receive it.
        signing_config: A file, or ``public-good``.
        trusted_root: The same; none inside of a workspace.
    """

    key: str | None
    way: str | None
    token: str | None
    token_file: Path | None
    audience: str
    signing_config: str | None
    trusted_root: str | None = None

    def __repr__(self) -> str:
        """Return what may be shown: the token may not."""
        return f"Asked(key={self.key!r}, way={self.way!r})"

    @property
    def keyless(self) -> bool:
        """Whether an identity signs, and not a key."""
        return bool(self.way or self.token or self.token_file)

    def require_one_signer(self) -> None:
        """Refuse a key beside an identity, and two ways to one identity.

        Raises:
            UsageError: There are.
            FileMissingError: The token's file is not there.
        """
        given = [self.key, self.way, self.token, self.token_file]
        if sum(one is not None for one in given) > 1:
            raise UsageError(
                "expected --key, --oidc, --identity-token or --identity-token-file, "
                "got more than one",
                hint="a key and an identity never stand in for each other",
            )
        if self.token_file is not None:
            require_given(self.token_file)


def signer_options(help_of_key: str) -> Callable[[F], F]:
    """Add the options of who signs: a key, or a token and the services that use it."""
    key = click.option("--key", metavar="NAME|URI", help=help_of_key)

    def add(function: F) -> F:
        for option in (_CONFIG, *reversed(_TOKEN), key):
            function = option(function)
        return function

    return add


def root_option(function: F) -> F:
    """Add the option that signs outside of every workspace."""
    return _ROOT(function)


def asked(given: dict[str, Any]) -> Asked:
    """Take the options out of what a command was given."""
    return Asked(
        key=given.pop("key"),
        way=given.pop("oidc"),
        token=given.pop("identity_token"),
        token_file=given.pop("identity_token_file"),
        audience=given.pop("oidc_audience"),
        signing_config=given.pop("signing_config"),
        trusted_root=given.pop("trusted_root", None),
    )
