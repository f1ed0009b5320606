# SPDX-License-Identifier: Apache-2.0
"""URIs of securesystemslib: strict forms, and errors of three libraries told apart."""

import pytest
from securesystemslib.signer import VaultSigner

from keys.errors import (
    KeyFormatError,
    KeyNotFoundError,
    KeyProviderMissingError,
    KeyUriError,
    TrustacksError,
)
from keys.providers import open_signing_key
from keys.providers.securesystems import _answered
from tests.simulators.vault import Fault

GCP = "gcpkms:projects/p/locations/global/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1"
AZURE = f"azurekms://acme.vault.azure.net/keys/root/{'0a' * 16}"


def never(_prompt: str) -> str:
    raise AssertionError


@pytest.mark.parametrize(
    "uri",
    [
        "hv:name",
        "hv:name/0",
        "hv:name/latest",
        "hv:a/b/1",
        "hv:../sys/1",
        "hv:name/1?x",
        f"{GCP}/x",
        GCP.replace("/1", "/latest"),
        GCP.replace("projects/p/", ""),
        AZURE.replace("azure.net", "evil.example"),
        AZURE.replace("acme.", "acme@evil."),
        AZURE.rpartition("/")[0],
        "hsm:2",
        "file2:/etc/key",
        "gnupg:",
    ],
)
def test_another_form_is_refused(uri):
    with pytest.raises(KeyUriError):
        open_signing_key(uri, never)


@pytest.mark.parametrize(
    ("uri", "needs"),
    [(GCP, "google-cloud-kms"), (AZURE, "azure-identity azure-keyvault-keys")],
)
def test_a_library_that_is_missing_is_named(uri, needs):
    with pytest.raises(KeyProviderMissingError) as refused:
        open_signing_key(uri, never)
    assert needs in refused.value.hint


def test_only_the_newest_version_opens(vault):
    first = vault.make("root")
    key = open_signing_key(first, never)
    second = vault.make("root")

    with pytest.raises(KeyNotFoundError, match="root/2"):
        open_signing_key(first, never)
    # One that was opened goes on with its version.
    key.public_key.verify(key.sign(b"message"), b"message")
    assert open_signing_key(second, never).public_key != key.public_key


def test_a_vault_that_is_sealed_or_a_page_is_said(vault):
    uri = vault.make("root")
    for fault, code in (
        (Fault.SEALED, "key-unavailable"),
        (Fault.HTML, "key-answer"),
        (Fault.EMPTY, "key-answer"),
    ):
        with vault.fails(fault), pytest.raises(TrustacksError) as refused:
            open_signing_key(uri, never)
        assert refused.value.code == code


def test_a_key_with_another_scheme_is_refused(vault, monkeypatch):
    uri = vault.make("root")
    found, key = VaultSigner.import_("root")
    key.scheme = "rsassa-pss-sha512"
    monkeypatch.setattr(VaultSigner, "import_", lambda _name: (found, key))

    with pytest.raises(KeyFormatError):
        open_signing_key(uri, never)


class PermissionDenied(Exception):  # noqa: N818 - google.api_core's name
    pass


class ResourceNotFoundError(Exception):
    pass


class FailedPrecondition(Exception):  # noqa: N818 - google.api_core's name
    pass


class ServiceUnavailable(Exception):  # noqa: N818 - google.api_core's name
    pass


class LostConnection(OSError, ValueError):  # noqa: N818 - as requests has them
    pass


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (PermissionDenied("no"), "key-access-denied"),
        (ResourceNotFoundError("no"), "key-not-found"),
        (FailedPrecondition("no"), "key-disabled"),
        (ServiceUnavailable("no"), "key-unavailable"),
        (LostConnection("no"), "key-unavailable"),
        (KeyError("data"), "key-answer"),
        (IndexError(), "key-answer"),
    ],
    ids=lambda value: getattr(type(value), "__name__", value),
)
def test_what_libraries_raise_is_told_apart_by_name(raised, code):
    with pytest.raises(TrustacksError) as refused, _answered("gcpkms:key"):
        raise raised
    assert refused.value.code == code
    assert "no" not in refused.value.message.split()
