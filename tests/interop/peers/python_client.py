# SPDX-License-Identifier: Apache-2.0
"""The Python client signs at the instance, as its documentation has it."""

from pathlib import Path

from sigstore.dsse import Statement
from sigstore.models import SigningConfig, TrustedRoot
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext

from tests.interop.peers.instance import Account, PeerInstance


def sign_statement(instance: PeerInstance, account: Account, statement: bytes) -> bytes:
    """Sign a statement with a certificate of the account's."""
    with _context(instance).signer(IdentityToken(account.token())) as signer:
        return signer.sign_dsse(Statement(statement)).to_json().encode()


def sign_file(instance: PeerInstance, account: Account, data: bytes) -> bytes:
    """Sign a file with a certificate of the account's."""
    with _context(instance).signer(IdentityToken(account.token())) as signer:
        return signer.sign_artifact(data).to_json().encode()


def _context(instance: PeerInstance) -> SigningContext:
    config = SigningConfig.from_file(_path(instance.signing_config_file))
    root = TrustedRoot.from_file(_path(instance.trusted_root_file))
    return SigningContext(
        fulcio=config.get_fulcio(),
        rekor=config.get_tlogs()[0],
        trusted_root=root,
        tsa_clients=config.get_tsas(),
    )


def _path(path: Path) -> str:
    return str(path)
