# SPDX-License-Identifier: Apache-2.0
"""Who said what about which bytes, and whether we believe it.

A tour, in the order of the bytes::

    statement      in-toto Statement v1: subjects, and a predicate
    predicates/    what can be said: one typed, strict file for each type
    dsse           the envelope, and the bytes that are signed (PAE)
    attestation    envelope, key hint, timestamps, log entries: a Sigstore bundle v0.3
    sign           statement -> attestation: timestamp first, then log
    timestamp/     RFC 3161, both directions
    tlog/          the transparency log, its reading half
    certificate/   a signer's certificate: claim, issuer, and the log of certificates
    signed         the signature, and what every witness must be about
    keyless/       the same by the services of a Sigstore instance, as an OIDC subject
    foreign_statement  statements of other people's types, carried byte by byte
    sigstore_bundle  what others write: files and statements, keys and certificates
    protojson      their JSON: what of protobuf's forms is read besides our own

    form           embedded or sovereign; custody: who can cause a signature
    identity       who may sign what, for which rules, when
    credential     known by what: a key, or an OIDC subject (exact, or subject_pattern)
    instances      which CA, CT log and issuer belong to which Sigstore instance
    claims         whose an OIDC subject is, and when
    trust_policy   the identities, revocations, pins and ages that admins signed
    trusted_root   the logs, and the authorities for time and certificates
    trust          all of it together: what a verifier stands on

    verify         attestation + trust + instant -> result. Start here
    verify_bundle  any Sigstore bundle + trusted root + signer_policy -> result
    several        m of n such bundles, by distinct signers, over one digest
    signers, witnesses, evidence, said: what its steps ask; steps, result: how kept
    errors         one class and code for each reason to refuse; limits: every bound

Laws: no disk, network or clock, but in ``keyless``, which nothing that verifies
imports; nothing is parsed before its signature held, but what finds the key; evidence
that is bad is an answer and never an exception.

Example, a publisher's word for a layer:
    >>> import pathlib, tempfile
    >>> from keys.digest import Digest
    >>> from keys.providers.encfile import create_key
    >>> from signer.predicates.layer import LayerPredicate
    >>> from signer.sign import attest_bare
    >>> from signer.statement import Subject, build_statement
    >>> from signer.verify import verify_layer
    >>> folder = tempfile.TemporaryDirectory()
    >>> key = create_key(pathlib.Path(folder.name) / "publisher", "a passphrase")
    >>> archive = b"the bytes of an archive"
    >>> said = LayerPredicate(layer="pack", name="change-control", version="1.0.0")
    >>> subject = Subject("change-control.tar.gz", Digest.of(archive))
    >>> raw = attest_bare(build_statement([subject], said), key=key)
    >>> verify_layer(raw, publisher=key.public_key, archive=archive).require().name
    'change-control'
    >>> verify_layer(raw, publisher=key.public_key, archive=b"another").result.code
    'subject-mismatch'
    >>> folder.cleanup()

Nothing is imported here: a linter of Rego needs ``signer.form`` and no cryptography.
"""
