# SPDX-License-Identifier: Apache-2.0
"""One attestation, against the bare signatures that it cannot do without."""

from collections.abc import Iterator

from benchmarks.measure import Row, least
from signer.attestation import parse_attestation
from signer.predicates.artifact import ArtifactPredicate
from signer.statement import Subject, build_statement
from signer.trust import Expected
from signer.verify import verify_attestation
from tests.simulators.memory_key import MemoryKey
from tests.simulators.signing import NOW, Workshop

TIMES = 200


def rows() -> Iterator[Row]:
    workshop = Workshop()
    author = workshop.people["author"]
    predicate = workshop.artifact(identity=author.id)
    subject = Subject("file", workshop.workspace)
    raw = workshop.attest(build_statement([subject], predicate), by=author)
    trust = workshop.trust()
    expected = Expected(ArtifactPredicate.type, (subject.digest,), None)

    def verify() -> None:
        verify_attestation(raw, trust=trust, expected=expected, at=NOW).require()

    attestation = parse_attestation(raw)
    note = MemoryKey.ed25519()
    text = b"a checkpoint of three lines\n"
    signed = note.sign(text)

    def signatures() -> None:
        # the envelope's, the timestamp's (P-256 too), and the checkpoint's
        for _ in range(2):
            author.key.public_key.verify(
                attestation.envelope.signature, attestation.envelope.pae
            )
        note.public_key.verify(signed, text)

    taken = least(verify, signatures, times=TIMES)
    yield Row("verify one attestation, against its three signatures", *taken)
