# SPDX-License-Identifier: Apache-2.0
"""Opens a Sigstore instance, and who signs there, as the options say.

``sigstore`` is loaded for an identity only, and only when it signs: to verify, or to
sign with a key, nobody waits for it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

from keys.errors import UsageError
from signer.keyless.errors import KeylessMissingError
from signer.keyless.http import Http
from signer.keyless.limits import MAX_SIGNING_CONFIG_BYTES, MAX_TOKEN_BYTES
from signer.keyless.signatory import CertifiedSigner
from signer.keyless.signing_config import SigningConfig
from signer.keyless.token import TokenClaims, parse_token
from signer.keyless.witnesses import InstanceWitnesses
from signer.limits import MAX_TRUSTED_ROOT_BYTES
from trustacks._cli.files import read_given
from trustacks._cli.oidc_options import ACCOUNT, PUBLIC_GOOD, Asked
from trustacks._cli.secrets import read_line
from trustacks._cli.session import Session
from trustacks.public_good import PublicGood


@dataclass
class Instance:
    """A Sigstore instance, opened part by part.

    Attributes:
        session: The command's.
        asked: What its options say.
        http: Asks services.
        services: The SigningConfig, if somebody else than the options names it.
        issuers: Whose tokens may go there then.
        account: Returns the token of the login's own account, if there is a login.
    """

    session: Session
    asked: Asked
    http: Http = field(default_factory=Http)
    services: SigningConfig | None = None
    issuers: frozenset[str] | None = None
    account: Callable[[], str] | None = None

    @cached_property
    def config(self) -> SigningConfig:
        """The services.

        Raises:
            UsageError: None is named.
            FormatError: What is named is no SigningConfig.
        """
        if self.services is not None:
            return self.services
        named = self.asked.signing_config
        if named is None and self.asked.trusted_root == PUBLIC_GOOD:
            named = PUBLIC_GOOD
        if named is None:
            raise UsageError(
                "expected --signing-config, got none",
                hint="a file of your instance, or public-good: "
                "trustacks sigstore signing-config prints that of a Control Plane",
            )
        if named == PUBLIC_GOOD:
            return SigningConfig.parse(self._public_good.signing_config)
        path = Path(named)
        return SigningConfig.parse(read_given(path, max_bytes=MAX_SIGNING_CONFIG_BYTES))

    @cached_property
    def trusted_root(self) -> bytes:
        """The trusted root that is named.

        Raises:
            UsageError: None is named.
        """
        named = self.asked.trusted_root
        if named is None:
            raise UsageError("expected --trusted-root, got none")
        if named == PUBLIC_GOOD:
            return self._public_good.trusted_root
        return read_given(Path(named), max_bytes=MAX_TRUSTED_ROOT_BYTES)

    @cached_property
    def _public_good(self) -> PublicGood:
        home = self.session.home / "public-good"
        return PublicGood.fetch(home)

    def witnesses(self, at: datetime) -> InstanceWitnesses:
        """Return the instance's timestamp authorities and log.

        Raises:
            ConfigurationError: It has too few, or not in a version that we speak.
        """
        stamps = self.config.timestamp_authorities(at)
        return InstanceWitnesses(self.http, stamps, self.config.log(at))

    def signer(self, trusted_root: bytes) -> CertifiedSigner:
        """Return who signs with a token, and show whom the token speaks of.

        Args:
            trusted_root: Who counts when what is signed is verified.

        Raises:
            KeylessMissingError: The extra ``keyless`` is not installed.
        """
        try:
            from signer.keyless.sign import KeylessSigner  # noqa: PLC0415 - slow
        except ImportError as error:
            raise KeylessMissingError(
                f"expected the package sigstore, got none: {error.name}",
                hint="pip install 'trustacks[keyless]'",
            ) from error
        at = self.session.clock()
        authority = self.config.certificate_authority(at).url
        return KeylessSigner(
            token=self.token,
            authority=authority,
            trusted_root=trusted_root,
            http=self.http,
            clock=self.session.clock,
        )

    def token(self) -> TokenClaims:
        """Return an identity token, and show whom it speaks of.

        Raises:
            TrustacksError: There is none, or not for us.
        """
        claims = parse_token(self._raw_token(), audience=self.asked.audience)
        self.session.output.say(claims.text())
        if self.issuers is not None:
            # Not above: it brings what a workspace trusts.
            from trustacks.signing_config import require_spoken_for  # noqa: PLC0415 - loaded when asked for

            require_spoken_for(claims, self.issuers)
        return claims

    def _raw_token(self) -> str:
        if self.asked.token is not None:
            return self.asked.token
        if self.asked.token_file is not None:
            return read_line(self.asked.token_file, max_bytes=MAX_TOKEN_BYTES)
        if self.asked.way == ACCOUNT:
            if self.account is None:
                raise UsageError(
                    "expected --oidc account in a workspace, got it outside of one",
                    hint="trustacks sigstore token --out FILE takes it along",
                )
            return self.account()
        # Not above: it brings HTTP, and a browser.
        from trustacks.identity_tokens import get_token  # noqa: PLC0415 - loaded when asked for

        return get_token(
            self.asked.way or "auto",
            audience=self.asked.audience,
            issuer=lambda: self.config.issuer(self.session.clock()).url,
            http=self.http,
            say=self.session.output.say,
        )
