# SPDX-License-Identifier: Apache-2.0
"""One bucket, one request at a time: the only module that knows boto3.

Each call is one request, with no retry inside: boto's own would send a write again
without looking what became of the first. What went wrong is one of five things that
``bundle.storage.s3`` tells apart; everything else is ``StorageUnavailableError``.
"""

import contextlib
import re
import time
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, Self

from bundle.storage.errors import S3NotInstalledError
from bundle.storage.headers import content_type
from keys.digest import Digest
from keys.errors import (
    ConfigurationError,
    LimitExceededError,
    NotFoundError,
    StorageUnavailableError,
)
from keys.strict import b64encode

# Seconds. S3 answers in milliseconds; a silence this long is a lost connection.
_CONNECT_S: Final = 5
_SILENCE_S: Final = 10
# Seconds for one whole body: 64 MiB at a poor 2 MiB/s.
_BODY_S: Final = 30
_CHUNK: Final = 256 * 1024
# As many as the service has threads.
_CONNECTIONS: Final = 40
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# Leaves half of S3's 1,024 bytes for an object's name.
_PREFIX: Final = re.compile(r"(?=.{0,400}$)([A-Za-z0-9_-][A-Za-z0-9._-]*(/|$))*")
_ABSENT: Final = frozenset({"404", "NoSuchKey", "NotFound"})


class ConditionFailedError(Exception):
    """412, or If-Match on what is not there: the object is not as expected."""


class ContendedError(Exception):
    """409 ConditionalRequestConflict: nothing was written; send it again."""


class LostError(Exception):
    """No answer, or one that says nothing: the request may have been carried out."""


class Location(NamedTuple):
    """Where in S3.

    Attributes:
        bucket: Its name.
        prefix: Path below which all objects lie; may be empty.
    """

    bucket: str
    prefix: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read ``s3://bucket/prefix``.

        Raises:
            ConfigurationError: Another thing.
        """
        scheme, _, rest = url.partition("://")
        bucket, _, prefix = rest.partition("/")
        prefix = prefix.rstrip("/")
        ok = scheme == "s3" and _BUCKET.fullmatch(bucket) and _PREFIX.fullmatch(prefix)
        if not ok:
            raise ConfigurationError(
                f"storage: expected s3://BUCKET/PREFIX, got {url[:80]!r}"
            )
        return cls(bucket, prefix)


class Bucket:
    """A bucket of S3, or of a server that keeps S3's promises on conditional writes.

    Args:
        name: The bucket.
        endpoint_url: Of another server than Amazon's.
        region: Of the bucket; else as boto3's own configuration says.

    Raises:
        S3NotInstalledError: The extra ``s3`` is not installed.
        ConfigurationError: boto3 cannot be configured so.
    """

    def __init__(
        self, name: str, *, endpoint_url: str | None = None, region: str | None = None
    ) -> None:
        self.name = name
        self._client = _client(endpoint_url, region)

    def put(self, key: str, data: bytes, *, cache: str, **condition: str) -> None:
        """Write an object under a condition: ``IfNoneMatch`` or ``IfMatch``."""
        with _translated(key):
            self._client.put_object(
                Bucket=self.name,
                Key=key,
                Body=data,
                CacheControl=cache,
                ContentType=content_type(key),
                ChecksumSHA256=b64encode(Digest.of(data).raw),
                **condition,
            )

    def get(self, key: str, *, max_bytes: int) -> tuple[bytes, str]:
        """Return an object's bytes and their entity tag."""
        with _translated(key):
            answer = self._client.get_object(
                Bucket=self.name, Key=key, ChecksumMode="ENABLED"
            )
            with contextlib.closing(answer["Body"]) as body:
                if answer["ContentLength"] > max_bytes:
                    raise LimitExceededError(f"expected at most {max_bytes} bytes")
                return b"".join(_chunks(body, max_bytes)), answer["ETag"]

    def page(self, prefix: str, after: str | None) -> tuple[list[str], str | None]:
        """Return some keys that begin with ``prefix``, and how to ask for more."""
        more = {"ContinuationToken": after} if after else {}
        with _translated(prefix):
            answer = self._client.list_objects_v2(
                Bucket=self.name, Prefix=prefix, **more
            )
        keys = [found["Key"] for found in answer.get("Contents", ())]
        return keys, answer.get("NextContinuationToken")

    def delete(self, key: str) -> None:
        """Delete an object; none there is success."""
        with _translated(key):
            self._client.delete_object(Bucket=self.name, Key=key)


def _client(endpoint_url: str | None, region: str | None) -> Any:
    try:
        import boto3  # noqa: PLC0415 - an extra: whoever has a directory needs none
        import botocore.config  # noqa: PLC0415 - loaded when asked for
        import botocore.exceptions  # noqa: PLC0415 - loaded when asked for
    except ImportError as error:
        raise S3NotInstalledError(
            "expected boto3 to use storage in S3, got none",
            hint="pip install 'trustacks[s3]'",
        ) from error
    config = botocore.config.Config(
        connect_timeout=_CONNECT_S,
        read_timeout=_SILENCE_S,
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=_CONNECTIONS,
        # Other servers than Amazon's know SHA-256, which is sent with every write, and
        # not always the checksums that boto adds.
        request_checksum_calculation="when_required",
    )
    try:
        return boto3.session.Session().client(
            "s3", endpoint_url=endpoint_url, region_name=region, config=config
        )
    except (botocore.exceptions.BotoCoreError, ValueError) as error:
        raise ConfigurationError(f"storage: {error}") from error


def _chunks(body: Any, max_bytes: int) -> Iterator[bytes]:
    ends_at, received = time.monotonic() + _BODY_S, 0
    while chunk := body.read(_CHUNK):
        received += len(chunk)
        if received > max_bytes:
            raise LimitExceededError(f"expected at most {max_bytes} bytes")
        if time.monotonic() > ends_at:
            raise LostError("expected the body in time, got slower")
        yield chunk


@contextlib.contextmanager
def _translated(key: str) -> Iterator[None]:
    import botocore.exceptions  # noqa: PLC0415 - there is a client, so it is installed
    import urllib3.exceptions  # noqa: PLC0415 - loaded when asked for

    lost = (
        botocore.exceptions.HTTPClientError,
        botocore.exceptions.IncompleteReadError,
        botocore.exceptions.FlexibleChecksumError,
        urllib3.exceptions.HTTPError,
    )
    try:
        yield
    except botocore.exceptions.ClientError as error:
        raise _answered(error.response, key) from error
    except lost as error:
        raise LostError(str(error)) from error
    except botocore.exceptions.BotoCoreError as error:
        raise StorageUnavailableError(
            f"the bucket cannot be asked: {error}",
            hint="check the credentials and the region of boto3",
        ) from error


def _answered(response: Any, key: str) -> Exception:
    status = response["ResponseMetadata"]["HTTPStatusCode"]
    code = response.get("Error", {}).get("Code", "")
    if status == 412:  # noqa: PLR2004 - RFC 9110
        return ConditionFailedError(key)
    if code == "ConditionalRequestConflict":
        return ContendedError(key)
    if code in _ABSENT:
        return NotFoundError(key)
    if status >= 500 or code in ("RequestTimeout", "SlowDown"):  # noqa: PLR2004
        return LostError(f"{status} {code}")
    return StorageUnavailableError(
        f"the bucket refused {key}: {status} {code}",
        hint="s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket are needed",
    )
