# SPDX-License-Identifier: Apache-2.0
"""An OIDC issuer that people log in at: its endpoints, and what they answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from keys.fields import Fields
from keys.strict import loads_json
from signer.keyless.errors import ISSUER, IssuerAnswerError
from signer.keyless.http import Answer, Http, answered
from signer.keyless.limits import MAX_ANSWER_BYTES, MAX_TOKEN_BYTES
from signer.keyless.signing_config import checked_url

FORM: Final = "application/x-www-form-urlencoded"
# RFC 6749 §5.2: an error of the token endpoint is an answer with this status.
BAD_REQUEST: Final = 400


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where an issuer answers.

    Attributes:
        authorization: Where a browser goes.
        token: Where a code becomes a token.
        device: Where a code for another device is had; none if it has none.
    """

    authorization: str
    token: str
    device: str | None


def discover(issuer: str, http: Http) -> Endpoints:
    """Ask an issuer where its endpoints are.

    Raises:
        IssuerAnswerError: Something else, or the endpoints of another issuer.
        TrustacksError: The issuer does not answer.

    Source: OpenID Connect Discovery 1.0 §4.
    """
    place = f"{issuer}/.well-known/openid-configuration"
    answer = http.get(place, refusals=ISSUER)
    with answered(ISSUER, issuer):
        fields = read_answer(answer)
        said = fields.text("issuer").rstrip("/")
        if said != issuer:
            raise IssuerAnswerError(f"expected the issuer {issuer}, got {said[:200]}")
        device = "device_authorization_endpoint"
        return Endpoints(
            authorization=checked_url(fields.text("authorization_endpoint")),
            token=checked_url(fields.text("token_endpoint")),
            device=checked_url(fields.text(device)) if fields.has(device) else None,
        )


def post_form(url: str, form: Mapping[str, str], http: Http) -> Answer:
    """Post a form; a refusal in JSON (RFC 6749 §5.2) is an answer.

    Raises:
        TrustacksError: The issuer does not answer, or refuses otherwise.
    """
    body = urlencode(form).encode()
    allowed = frozenset({BAD_REQUEST})
    return http.post(url, body, kind=FORM, refusals=ISSUER, allowed=allowed)


def read_answer(answer: Answer) -> Fields:
    """Read an answer of an issuer; what nobody asked for is passed over.

    Raises:
        FormatError: Not a JSON object.
    """
    value: Any = loads_json(
        answer.body, max_bytes=MAX_ANSWER_BYTES, what="issuer answer", floats=True
    )
    return Fields(value, "issuer answer")


def read_id_token(answer: Answer) -> str:
    """Return the identity token of an answer of the token endpoint.

    Raises:
        FormatError: There is none.
    """
    return read_answer(answer).text("id_token", max_chars=MAX_TOKEN_BYTES)


def refused(answer: Answer) -> str | None:
    """Return the error that the token endpoint names, if it refuses.

    Raises:
        FormatError: It refuses, and not in this form.
    """
    if answer.status != BAD_REQUEST:
        return None
    return read_answer(answer).text("error", max_chars=200)
