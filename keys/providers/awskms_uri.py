# SPDX-License-Identifier: Apache-2.0
"""URIs of AWS KMS keys, in the forms that other signing tools have.

::

    awskms:KEY                     as securesystemslib writes it
    awskms:///KEY                  as cosign writes it
    awskms://HOST[:PORT]/KEY       at another endpoint than Amazon's
    ...?region=eu-west-1           if neither an ARN nor boto3's configuration says it

``KEY`` is a key id, ``alias/NAME``, or the ARN of either. The endpoint is asked over
https; over http on this machine only.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

from keys.errors import KeyUriError

_REGION: Final = r"[a-z]{2,4}(?:-[a-z]+){1,3}-[0-9]{1,2}"
_KEY: Final = (
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32}"
    r"|alias/[A-Za-z0-9/_-]{1,250}"
)
_ARN: Final = (
    rf"arn:aws[a-z-]{{0,20}}:kms:(?P<arn_region>{_REGION}):[0-9]{{12}}"
    rf":(?:key/(?!alias/)|(?=alias/))(?:{_KEY})"
)
_HOST: Final = r"(?P<host>[a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?)(?P<port>:[0-9]{1,5})?"
_URI: Final = re.compile(
    rf"(?://(?:{_HOST})?/)?(?P<key>{_KEY}|{_ARN})(?:\?region=(?P<region>{_REGION}))?"
)
_ARN_OF_KEY: Final = re.compile(_ARN)
_HERE: Final = re.compile(r"localhost|127(\.[0-9]{1,3}){3}")


@dataclass(frozen=True, slots=True)
class KmsUri:
    """Where a KMS key is.

    Attributes:
        key: Its id, alias or ARN.
        region: Or none, to take boto3's.
        endpoint_url: Or none, to take boto3's.
    """

    key: str
    region: str | None
    endpoint_url: str | None

    @classmethod
    def parse(cls, rest: str) -> Self:
        """Parse what follows ``awskms:``.

        Raises:
            KeyUriError: It has none of the forms, or two regions.
        """
        found = _URI.fullmatch(rest)
        if not found:
            raise KeyUriError(
                f"expected awskms:KEY with a key id, alias/NAME or ARN, got {rest!r}",
                hint="such as awskms:///alias/trustacks-root?region=eu-west-1",
            )
        regions = {found["arn_region"], found["region"]} - {None}
        if len(regions) > 1:
            raise KeyUriError(f"expected one region, got {' and '.join(regions)}")
        return cls(found["key"], next(iter(regions), None), _endpoint(found))


def is_arn(text: object) -> bool:
    """Return whether a text is the ARN of a key or alias."""
    return isinstance(text, str) and _ARN_OF_KEY.fullmatch(text) is not None


def _endpoint(found: re.Match[str]) -> str | None:
    host = found["host"]
    if host is None:
        return None
    scheme = "http" if _HERE.fullmatch(host) else "https"
    return f"{scheme}://{host}{found['port'] or ''}"
