# SPDX-License-Identifier: Apache-2.0
"""The embedded Sigstore instance, joined: issuer, CA and log of certificates.

One per server, because Fulcio's requests carry no workspace. Each key is made at the
first start, in this order: keys, the CA's certificates, the empty log of certificates.
A crash in between leaves what the next start uses.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from bundle.storage.directory import DirectoryStorage
from bundle.trust_instances import Custodies, Pinning, pin_instance
from control_plane.certificates import open_chain
from control_plane.keystore import CA, CA_ROOT, CT, OIDC, SERVER, KeyStore
from control_plane.settings import Settings
from control_plane.sigstore.accounts import domain_of
from control_plane.sigstore.authority import create_chain
from control_plane.sigstore.ct_log import CtLog
from control_plane.sigstore.fulcio import Fulcio
from control_plane.sigstore.issuer import Issuer
from control_plane.sigstore.tokens import IdentityTokens
from control_plane.state import StateDirectory
from keys.durable import make_directory
from keys.lock import exclusive
from keys.public import PublicKey
from signer.form import Custody
from signer.trust_policy import TrustPolicy
from signer.trusted_root import build_trusted_root

# Its name in the trust policies of the workspaces that are made here.
NAME: Final = "embedded"


@dataclass(frozen=True, slots=True)
class EmbeddedSigstore:
    """The instance.

    Attributes:
        issuer: Logs people in.
        fulcio: Certifies them.
        ct_log: Sees what is certified.
        start: When its CA began.
        keys: All of its keys; none may have another purpose.
        public_host: Whose domains its people have.
    """

    issuer: Issuer
    fulcio: Fulcio
    ct_log: CtLog
    start: datetime
    keys: tuple[PublicKey, ...]
    public_host: str

    @property
    def url(self) -> str:
        """Where all of it answers."""
        return self.issuer.address

    @property
    def custodies(self) -> Custodies:
        """Who can cause the word of its parts: this server (DESIGN T1)."""
        ours = Custody.CONTROL_PLANE
        return Custodies(
            certificate_authorities=ours, ct_logs=ours, issuers={self.url: ours}
        )

    def trusted_root(self) -> bytes:
        """Return its own TrustedRoot: its CA and its log of certificates."""
        return build_trusted_root(
            logs=[],
            authorities=[],
            certificate_authorities=[(self.url, self.fulcio.chain, self.start)],
            ct_logs=[(self.url, self.ct_log.log.key, self.start)],
        )

    def pinned_in(self, policy: TrustPolicy, trusted_root: bytes) -> Pinning:
        """Return a workspace's trust with the instance in it."""
        return pin_instance(
            policy,
            trusted_root,
            NAME,
            given=self.trusted_root(),
            custodies=self.custodies,
        )

    def domains(self, workspace: str) -> frozenset[str]:
        """Return the domains of those who may sign in a workspace."""
        host = self.public_host
        return frozenset({domain_of(workspace, host), domain_of(None, host)})


def open_sigstore(
    settings: Settings, state: StateDirectory, keystore: KeyStore, *, at: datetime
) -> EmbeddedSigstore:
    """Open the instance; what is missing of it is made.

    Raises:
        KeyProviderError: A key cannot be made or opened, or is not its certificate's.
        StorageError: The state directory cannot be read or written.
    """
    key = {one: keystore.ensure(SERVER, one) for one in (CA_ROOT, CA, CT, OIDC)}
    directory = state.sigstore
    make_directory(directory, mode=0o700)
    chain = open_chain(
        directory / "ca.pem",
        key[CA].public_key,
        lambda: create_chain(key[CA_ROOT], key[CA], at=at),
    )
    storage = DirectoryStorage(directory / "ct")
    ct_log = CtLog(
        storage,
        origin=f"ct.{settings.public_host}",
        key=key[CT],
        alone=partial(exclusive, directory / ".ct-lock", wait=True),
    )
    tokens = IdentityTokens(settings.url, key[OIDC])
    return EmbeddedSigstore(
        issuer=Issuer(tokens),
        fulcio=Fulcio(key[CA], chain, ct_log, tokens),
        ct_log=ct_log,
        start=chain[0].not_valid_before_utc,
        keys=tuple(one.public_key for one in key.values()),
        public_host=settings.public_host,
    )
