# SPDX-License-Identifier: Apache-2.0
"""Each provider of keys, as the contract suite drives it: make, open, and break.

A fault that cannot happen to a provider is named with its reason, so that a new
provider or a new fault leaves no hole.
"""

import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from keys import schemes
from keys.providers import open_signing_key
from keys.providers.encfile import create_key
from keys.signing import CheckedKey
from tests.simulators import hsm as hsm_
from tests.simulators import kms as kms_
from tests.simulators import vault as vault_

FAULTS = (
    "the name leads to another key",
    "another key signs",
    "a signature of other bytes",
    "a signature of another length",
    "an answer that is none",
    "disabled",
    "not there",
    "denied",
    "secp256k1",
    "weak RSA",
    "down",
    "slow",
)
SECRET = "correct horse battery"
_NAMES = {
    schemes.ECDSA_P256: "P-256",
    schemes.ECDSA_P384: "P-384",
    schemes.ED25519: "Ed25519",
    schemes.RSA_PSS_3072: "RSA-3072",
    schemes.RSA_PSS_4096: "RSA-4096",
}
_ids = itertools.count(1)


@dataclass(frozen=True)
class Expected:
    """What a fault does.

    Attributes:
        code: How the call is refused.
        happen: Lets it happen to the key of a URI; gives the URI to open then.
        late: Whether it reaches a key that was open before.
        fresh: Whether it happens to a key that never was registered.
    """

    code: str
    happen: Callable[[str], AbstractContextManager[str]]
    late: bool = True
    fresh: bool = False


class Provider:
    """One provider.

    Attributes:
        kinds: What kinds of keys it holds.
        faults: By name, of ``FAULTS``.
        cannot: Faults that cannot happen, with the reason.
    """

    kinds: tuple[str, ...]
    faults: Mapping[str, Expected]
    cannot: Mapping[str, str]

    def make(self, kind: str | None = None) -> str:
        """Make a key, as an administrator would; return its URI."""
        raise NotImplementedError

    def secrets(self, prompt: str) -> str:
        """Answer what a provider asks."""
        raise AssertionError(prompt)

    def open(self, uri: str, **options) -> CheckedKey:
        return open_signing_key(uri, self.secrets, **options)


class Files(Provider):
    """Encrypted files."""

    kinds = tuple(_NAMES)
    cannot = MappingProxyType(
        {
            "another key signs": "the public half is computed from the private one",
            "a signature of other bytes": "this process makes it",
            "a signature of another length": "this process makes it",
        }
    )

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._secret = SECRET
        self.faults = {
            "the name leads to another key": Expected(
                "key-mismatch", self._another, late=False
            ),
            "an answer that is none": Expected(
                "key-access-denied", self._text("rubbish"), late=False
            ),
            "disabled": Expected("key-provider", self._mode, late=False),
            "not there": Expected("key-not-found", self._gone, late=False),
            "denied": Expected("key-access-denied", self._denied, late=False),
            "secp256k1": Expected("key-format", self._key(_k256()), late=False),
            "weak RSA": Expected("key-format", self._key(_weak()), late=False),
            "down": Expected("storage-unavailable", self._link, late=False),
            "slow": Expected("storage-unavailable", self._fifo, late=False),
        }

    def make(self, kind: str = schemes.ECDSA_P256) -> str:
        path = self._folder / f"key-{next(_ids)}.pem"
        create_key(path, SECRET, details=kind)
        return f"encfile:{path}"

    def secrets(self, prompt: str) -> str:
        assert prompt.startswith("passphrase for ")
        return self._secret

    @contextmanager
    def _aside(self, uri: str) -> Iterator[Path]:
        path = Path(uri.partition(":")[2])
        kept = path.rename(path.with_suffix(".kept"))
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)
            kept.rename(path)

    @contextmanager
    def _another(self, uri: str) -> Iterator[str]:
        with self._aside(uri) as path:
            create_key(path, SECRET)
            yield uri

    def _text(self, text: str):
        @contextmanager
        def happen(uri: str) -> Iterator[str]:
            with self._aside(uri) as path:
                path.write_text(text)
                path.chmod(0o600)
                yield uri

        return happen

    def _key(self, key):
        encryption = BestAvailableEncryption(SECRET.encode())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        return self._text(pem.decode())

    @contextmanager
    def _mode(self, uri: str) -> Iterator[str]:
        path = Path(uri.partition(":")[2])
        path.chmod(0o640)
        yield uri
        path.chmod(0o600)

    @contextmanager
    def _gone(self, uri: str) -> Iterator[str]:
        with self._aside(uri):
            yield uri

    @contextmanager
    def _denied(self, uri: str) -> Iterator[str]:
        self._secret = "another"
        yield uri
        self._secret = SECRET

    @contextmanager
    def _link(self, uri: str) -> Iterator[str]:
        with self._aside(uri) as path:
            path.symlink_to("/nowhere")
            yield uri

    @contextmanager
    def _fifo(self, uri: str) -> Iterator[str]:
        with self._aside(uri) as path:
            os.mkfifo(path, 0o600)
            yield uri


class AwsKms(Provider):
    """AWS KMS."""

    kinds = tuple(kms_.SPECS)
    cannot: Mapping[str, str] = MappingProxyType({})

    def __init__(self, kms: kms_.SimulatedKms) -> None:
        self._kms = kms
        fault = kms_.Fault
        self.faults = {
            "the name leads to another key": Expected(
                "key-mismatch", self._fault(fault.OTHER_KEY_ANSWERS), late=False
            ),
            "another key signs": Expected(
                "key-mismatch", self._fault(fault.OTHER_KEY_SIGNS)
            ),
            "a signature of other bytes": Expected(
                "key-mismatch", self._fault(fault.GARBAGE_SIGNATURE)
            ),
            "a signature of another length": Expected(
                "key-answer", self._fault(fault.HUGE_SIGNATURE)
            ),
            "an answer that is none": Expected("key-answer", self._fault(fault.HTML)),
            "disabled": Expected("key-disabled", self._disabled),
            "not there": Expected("key-not-found", self._gone, late=False),
            "denied": Expected("key-access-denied", self._fault(fault.DENIED)),
            "secp256k1": Expected(
                "key-format", self._other("ECC_SECG_P256K1"), late=False
            ),
            "weak RSA": Expected("key-format", self._other("RSA_2048"), late=False),
            "down": Expected("key-unavailable", self._fault(fault.DOWN)),
            "slow": Expected("key-timeout", self._fault(fault.HANGING)),
        }

    def make(self, kind: str = schemes.ECDSA_P256) -> str:
        return self._kms.uri(self._kms.create(kms_.SPECS[kind]))

    def _fault(self, fault: kms_.Fault):
        @contextmanager
        def happen(uri: str) -> Iterator[str]:
            self._kms.door.fail(fault)
            yield uri
            self._kms.door.heal()

        return happen

    @contextmanager
    def _disabled(self, uri: str) -> Iterator[str]:
        key = uri.rpartition("/")[2].partition("?")[0]
        self._kms.client.disable_key(KeyId=key)
        yield uri
        self._kms.client.enable_key(KeyId=key)

    @contextmanager
    def _gone(self, uri: str) -> Iterator[str]:
        yield self._kms.uri("alias/nobody")

    def _other(self, spec: str):
        @contextmanager
        def happen(uri: str) -> Iterator[str]:
            yield self._kms.uri(self._kms.create(spec))

        return happen


class Tokens(Provider):
    """PKCS #11 tokens."""

    kinds = tuple(_NAMES)
    cannot: Mapping[str, str] = MappingProxyType({})

    def __init__(self, hsm: hsm_.Hsm) -> None:
        self._hsm = hsm
        fault = hsm_.Fault
        self.faults = {
            "the name leads to another key": Expected(
                "key-mismatch", self._another, late=False
            ),
            "another key signs": Expected(
                "key-mismatch", self._public("other_point"), late=False, fresh=True
            ),
            "a signature of other bytes": Expected(
                "key-mismatch", self._fault(fault.GARBAGE)
            ),
            "a signature of another length": Expected(
                "key-answer", self._fault(fault.SHORT)
            ),
            "an answer that is none": Expected(
                "key-answer", self._public("bad_point"), late=False, fresh=True
            ),
            "disabled": Expected("key-disabled", self._forbidden),
            "not there": Expected("key-not-found", self._gone),
            "denied": Expected("key-access-denied", self._denied, late=False),
            "secp256k1": Expected("key-format", self._other("secp256k1"), late=False),
            "weak RSA": Expected("key-format", self._other("RSA-2048"), late=False),
            "down": Expected("key-unavailable", self._fault(fault.BROKEN)),
            "slow": Expected("key-timeout", self._fault(fault.HANGS)),
        }

    def make(self, kind: str = schemes.ECDSA_P256) -> str:
        return self._make(_NAMES[kind])

    def secrets(self, prompt: str) -> str:
        token = prompt.removeprefix("pin for ")
        return hsm_.PINS[token] if token == "acme-root" else "000000"

    def _make(self, kind: str, **options: object) -> str:
        number = next(_ids)
        label = f"key-{number}"
        self._hsm.order("make", kind=kind, label=label, key_id=_id(label), **options)
        return self._hsm.uri(label)

    def _fault(self, fault: hsm_.Fault):
        @contextmanager
        def happen(uri: str) -> Iterator[str]:
            with self._hsm.fault(fault):
                yield uri

        return happen

    @contextmanager
    def _another(self, uri: str) -> Iterator[str]:
        yield self._make("P-256")

    def _public(self, do: str):
        @contextmanager
        def happen(uri: str) -> Iterator[str]:
            made = self._make("P-256")
            label = _label(made)
            self._hsm.order(do, label=label, key_id=_id(label))
            yield made

        return happen

    @contextmanager
    def _forbidden(self, uri: str) -> Iterator[str]:
        self._hsm.order("forbid", label=_label(uri))
        yield uri

    @contextmanager
    def _gone(self, uri: str) -> Iterator[str]:
        self._hsm.order("destroy", label=_label(uri))
        yield uri

    @contextmanager
    def _denied(self, uri: str) -> Iterator[str]:
        yield self._hsm.uri("any", token="acme-strange")

    def _other(self, kind: str):
        @contextmanager
        def happen(uri: str) -> Iterator[str]:
            yield self._make(kind)

        return happen


class Transit(Provider):
    """Vault, through securesystemslib."""

    kinds = (schemes.ED25519,)
    cannot = MappingProxyType({"secp256k1": "Vault has no such keys"})

    def __init__(self, vault: vault_.SimulatedVault) -> None:
        self._vault = vault
        fault = vault_.Fault
        self.faults = {
            "the name leads to another key": Expected(
                "key-mismatch", self._fault(fault.OTHER_KEY_ANSWERS), late=False
            ),
            "another key signs": Expected(
                "key-mismatch", self._fault(fault.OTHER_KEY_SIGNS)
            ),
            "a signature of other bytes": Expected(
                "key-mismatch", self._fault(fault.GARBAGE_SIGNATURE)
            ),
            "a signature of another length": Expected(
                "key-answer", self._fault(fault.LONG_SIGNATURE)
            ),
            "an answer that is none": Expected("key-answer", self._fault(fault.EMPTY)),
            "disabled": Expected("key-disabled", self._fault(fault.DISABLED)),
            "not there": Expected("key-not-found", self._rotated, late=False),
            "denied": Expected("key-access-denied", self._fault(fault.DENIED)),
            "weak RSA": Expected("key-answer", self._weak, late=False),
            "down": Expected("key-unavailable", self._fault(fault.DOWN)),
            "slow": Expected("key-timeout", self._fault(fault.HANGING)),
        }

    def make(self, kind: str = schemes.ED25519) -> str:
        assert kind == schemes.ED25519
        return self._vault.make(f"key-{next(_ids)}")

    def _fault(self, fault: vault_.Fault):
        @contextmanager
        def happen(uri: str) -> Iterator[str]:
            with self._vault.fails(fault):
                yield uri

        return happen

    @contextmanager
    def _rotated(self, uri: str) -> Iterator[str]:
        """The newest version is another: securesystemslib finds no older one."""
        self._vault.make(uri.removeprefix("hv:").partition("/")[0])
        yield uri

    @contextmanager
    def _weak(self, uri: str) -> Iterator[str]:
        yield self._vault.make(f"key-{next(_ids)}", kind="rsa-2048")


def _k256():
    return ec.generate_private_key(ec.SECP256K1())


def _weak():
    return rsa.generate_private_key(65537, 2048)


def _label(uri: str) -> str:
    return uri.partition("object=")[2].partition("?")[0]


def _id(label: str) -> str:
    return f"{int(label.partition('-')[2]):08x}"
