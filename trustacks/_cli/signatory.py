# SPDX-License-Identifier: Apache-2.0
"""Opens who signs in a workspace: with a key, or as the subject of an OIDC token.

Without ``--signing-config`` the services are those that the Control Plane names, and
they are compared with the pin before a token goes there: only one of an issuer that
the pinned instance speaks for does.
"""

from keys.errors import UsageError
from trustacks._cli.config import Login
from trustacks._cli.keyring import open_key
from trustacks._cli.oidc_options import ACCOUNT, Asked
from trustacks._cli.session import Session
from trustacks.pinned import Pinned
from trustacks.signatory import KeySignatory, Signatory


def open_signatory(
    session: Session, options: Asked, login: Login, pinned: Pinned | None
) -> Signatory:
    """Open who signs, as the options say.

    Args:
        session: The command's.
        options: Who is asked for.
        login: Of the workspace.
        pinned: The workspace; a key needs none.

    Raises:
        UsageError: A key and an identity, or services that a key does not use.
        KeyProviderError: The key cannot be opened.
    """
    options.require_one_signer()
    if options.signing_config is not None and not options.keyless:
        raise UsageError(
            "expected --signing-config with an identity, got it with a key",
            hint="in a workspace a key is stamped and logged by the Control Plane",
        )
    if not options.keyless or pinned is None:
        return KeySignatory(open_key(session, options.key))
    # Not above: a key needs neither HTTP of its own nor what makes certificates.
    from trustacks._cli.connect import open_client  # noqa: PLC0415 - loaded when asked for
    from trustacks._cli.instance import Instance  # noqa: PLC0415 - loaded when asked for
    from trustacks._cli.sigstore import account_token, pinned_config  # noqa: PLC0415 - loaded when asked for
    from trustacks.claimant import Claimant  # noqa: PLC0415 - loaded when asked for

    client = open_client(session, login)
    instance = Instance(session, options)
    if options.signing_config is None:
        api = client.workspace(login.workspace)
        named = pinned_config(api, pinned.trust)
        instance.services, instance.issuers = named.services, named.issuers
    if options.way == ACCOUNT:
        instance.account = lambda: account_token(client, login.token)
    return Claimant(
        signer=instance.signer(pinned.trusted_root),
        authorities=lambda: instance.config.timestamp_authorities(session.clock()),
        http=instance.http,
        say=session.output.say,
    )
