# SPDX-License-Identifier: Apache-2.0
"""One client of AWS KMS, and what its answers mean: the module that knows boto3.

Calls are sent again, at most ``KMS_ATTEMPTS`` times in all, if KMS is busy or the
connection was lost: signing twice changes nothing, as one of the two is thrown away.
"""

import contextlib
from collections.abc import Iterator
from typing import Any, Final

from keys.errors import (
    ConfigurationError,
    KeyAccessDeniedError,
    KeyAnswerError,
    KeyDisabledError,
    KeyNotFoundError,
    KeyProviderError,
    KeyProviderMissingError,
    KeyUnavailableError,
)
from keys.providers.awskms_uri import KmsUri
from keys.providers.limits import (
    KMS_ATTEMPTS,
    KMS_CONNECT_S,
    KMS_CONNECTIONS,
    KMS_SILENCE_S,
)

_PERMISSIONS: Final = "kms:GetPublicKey and kms:Sign on this key are needed"
_SERVER_ERRORS: Final = 500
# Source: AWS KMS API reference, "GetPublicKey", "Sign" and "Common Errors".
_CODES: Final[dict[str, tuple[type[KeyProviderError], str]]] = {
    "AccessDeniedException": (KeyAccessDeniedError, _PERMISSIONS),
    "ExpiredTokenException": (KeyAccessDeniedError, "renew the credentials"),
    "IncompleteSignature": (KeyAccessDeniedError, "check the credentials of boto3"),
    "InvalidClientTokenId": (KeyAccessDeniedError, "check the credentials of boto3"),
    "InvalidSignatureException": (
        KeyAccessDeniedError,
        "check the credentials of boto3 and the clock",
    ),
    "MissingAuthenticationToken": (KeyAccessDeniedError, _PERMISSIONS),
    "MissingAuthenticationTokenException": (KeyAccessDeniedError, _PERMISSIONS),
    "UnrecognizedClientException": (
        KeyAccessDeniedError,
        "check the credentials of boto3",
    ),
    "NotFoundException": (KeyNotFoundError, "check id, region and account"),
    "InvalidArnException": (KeyNotFoundError, "check id, region and account"),
    "DisabledException": (KeyDisabledError, "enable it, or register another"),
    "KMSInvalidStateException": (KeyDisabledError, "is it to be deleted?"),
    "InvalidKeyUsageException": (KeyDisabledError, "make one for SIGN_VERIFY"),
    "UnsupportedOperationException": (KeyDisabledError, "make one for SIGN_VERIFY"),
    "KeyUnavailableException": (KeyUnavailableError, "run it again"),
    "LimitExceededException": (KeyUnavailableError, "run it again later"),
    "RequestLimitExceeded": (KeyUnavailableError, "run it again later"),
    "Throttling": (KeyUnavailableError, "run it again later"),
    "ThrottlingException": (KeyUnavailableError, "run it again later"),
    "TooManyRequestsException": (KeyUnavailableError, "run it again later"),
}


def open_client(uri: KmsUri, deadline_s: float) -> Any:
    """Make a client for the endpoint that a URI names.

    Raises:
        KeyProviderMissingError: The extra ``kms`` is not installed.
        ConfigurationError: boto3 cannot be configured so, or nobody says the region.
    """
    try:
        import boto3  # noqa: PLC0415 - an extra: whoever has files needs none
        import botocore.config  # noqa: PLC0415 - loaded when asked for
        import botocore.exceptions  # noqa: PLC0415 - loaded when asked for
    except ImportError as error:
        raise KeyProviderMissingError(
            "expected boto3 to use a key of AWS KMS, got none",
            hint="pip install 'trustacks[kms]'",
        ) from error
    config = botocore.config.Config(
        connect_timeout=min(KMS_CONNECT_S, deadline_s),
        read_timeout=min(KMS_SILENCE_S, deadline_s),
        retries={"total_max_attempts": KMS_ATTEMPTS, "mode": "standard"},
        max_pool_connections=KMS_CONNECTIONS,
    )
    try:
        return boto3.session.Session().client(
            "kms",
            region_name=uri.region,
            endpoint_url=uri.endpoint_url,
            config=config,
        )
    except (botocore.exceptions.BotoCoreError, ValueError) as error:
        raise ConfigurationError(
            f"AWS KMS: {error}",
            hint="name it: awskms:///KEY?region=REGION, or set AWS_DEFAULT_REGION",
        ) from error


@contextlib.contextmanager
def answered(key: str) -> Iterator[None]:
    """Turn what boto3 raises into what happened to the key.

    Raises:
        KeyProviderError: By what went wrong.
    """
    import botocore.exceptions  # noqa: PLC0415 - there is a client, so it is installed
    import botocore.parsers  # noqa: PLC0415 - loaded when asked for

    lost = (
        botocore.exceptions.HTTPClientError,
        botocore.exceptions.IncompleteReadError,
    )
    no_credentials = (
        botocore.exceptions.NoCredentialsError,
        botocore.exceptions.PartialCredentialsError,
        botocore.exceptions.CredentialRetrievalError,
    )
    try:
        yield
    except botocore.exceptions.ClientError as error:
        raise _refused(error.response, key) from error
    except lost as error:
        raise KeyUnavailableError(
            f"{key}: expected an answer of AWS KMS, got none: {error}",
            hint="check network, region and endpoint, then run it again",
        ) from error
    except no_credentials as error:
        raise KeyAccessDeniedError(
            f"{key}: expected credentials for AWS KMS, got none: {error}",
            hint="give boto3 credentials: AWS_PROFILE, AWS_ACCESS_KEY_ID, or a role",
        ) from error
    except botocore.exceptions.BotoCoreError as error:
        raise KeyProviderError(f"{key}: AWS KMS cannot be asked: {error}") from error
    except (
        botocore.parsers.ResponseParserError,
        KeyError,
        TypeError,
        ValueError,
    ) as error:
        raise KeyAnswerError(
            f"{key}: expected an answer of AWS KMS, got something else",
            hint="is the endpoint AWS KMS?",
        ) from error


def _refused(response: Any, key: str) -> KeyProviderError:
    status = response["ResponseMetadata"]["HTTPStatusCode"]
    code = str(response.get("Error", {}).get("Code", ""))[:60]
    kind, hint = _CODES.get(code, (KeyAnswerError, "is the endpoint AWS KMS?"))
    if code not in _CODES and status >= _SERVER_ERRORS:
        kind, hint = KeyUnavailableError, "run it again"
    return kind(
        f"{key}: expected an answer of AWS KMS, got {status} {code!r}", hint=hint
    )
