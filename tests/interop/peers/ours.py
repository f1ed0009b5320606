# SPDX-License-Identifier: Apache-2.0
"""Our own signers at the instance, by its two files: keyless, and with a key."""

from keys.clock import utc_now
from keys.signing import SigningKey
from signer.keyless.http import Http
from signer.keyless.keyed import KeyedSigner
from signer.keyless.sign import KeylessSigner
from signer.keyless.signing_config import SigningConfig
from signer.keyless.token import parse_token
from signer.keyless.witnesses import InstanceWitnesses
from signer.trusted_root import TrustedRoot
from tests.interop.peers.instance import Account, PeerInstance


def sign_statement(instance: PeerInstance, account: Account, statement: bytes) -> bytes:
    """Sign a statement with a certificate of the account's."""
    return keyless(instance, account).sign_statement(statement, witnesses(instance))


def keyless(instance: PeerInstance, account: Account) -> KeylessSigner:
    """Return who signs with a certificate of the account's."""
    config = SigningConfig.parse(instance.signing_config)
    return KeylessSigner(
        token=lambda: parse_token(account.token()),
        authority=config.certificate_authority(utc_now()).url,
        trusted_root=instance.trusted_root,
        http=Http(),
        clock=utc_now,
    )


def keyed(instance: PeerInstance, key: SigningKey) -> KeyedSigner:
    """Return who signs with a key, seen by the instance's witnesses."""
    root = TrustedRoot.parse(instance.trusted_root)
    return KeyedSigner(key, witnesses(instance), root)


def witnesses(instance: PeerInstance) -> InstanceWitnesses:
    """Return the instance's timestamp authority and log."""
    config, at = SigningConfig.parse(instance.signing_config), utc_now()
    return InstanceWitnesses(Http(), config.timestamp_authorities(at), config.log(at))
