# SPDX-License-Identifier: Apache-2.0
"""The bounds on what is parsed and believed: number, unit, reason."""

from typing import Final

# Bytes. A release that lists 10,000 rules, each with an approval, is 4.4 MB.
MAX_STATEMENT_BYTES: Final = 5 * 1024 * 1024

# Bytes. The largest statement in base64, a note of 128 KiB, tokens, and a margin.
MAX_ATTESTATION_BYTES: Final = 7 * 1024 * 1024

# Bytes. A DER signature of P-256 has at most 72; RSA 4096 has 512.
MAX_SIGNATURE_BYTES: Final = 512

# Bytes. A token with a chain of three P-256 certificates is under 4 KiB.
MAX_TOKEN_BYTES: Final = 16 * 1024

# Tokens and entries in one attestation. One of each is needed; two authorities and two
# logs during a change of either are foreseen.
MAX_TIMESTAMPS: Final = 4
MAX_LOG_ENTRIES: Final = 4

# Timestamps, and log entries, in anybody's bundle, as in sigstore-go and the Python
# client: each costs a signature or two.
MAX_FOREIGN_WITNESSES: Final = 32

# Subjects in one statement. Ours have at most two; other tools attest a folder.
MAX_SUBJECTS: Final = 64

# Subjects in anybody's statement, and digests of one of them, as in sigstore-go.
MAX_FOREIGN_SUBJECTS: Final = 1024
MAX_DIGESTS: Final = 32

# Lines in one attestations file: 10,000 rules, their approvals, and the release.
MAX_ATTESTATIONS: Final = 32_768

# Bytes of one attestations file. 10,000 rule attestations of 8 KiB are 80 MB.
MAX_JSONL_BYTES: Final = 128 * 1024 * 1024

# Bytes. 1,000 identities of 700 bytes and 10,000 survivors of 75.
MAX_TRUST_POLICY_BYTES: Final = 4 * 1024 * 1024

# Identities in one trust policy. People and pipelines of one workspace.
MAX_IDENTITIES: Final = 1000

# Bytes. The public-good instance's trusted root has 7 KB.
MAX_TRUSTED_ROOT_BYTES: Final = 256 * 1024

# Logs, and authorities, in one trusted root; as many certificates in one chain are
# more than any authority has (three).
MAX_TRUSTED_PARTS: Final = 32
MAX_CHAIN_CERTIFICATES: Final = 8

# Bytes. A result lists every rule of a release with its checks.
MAX_RESULT_BYTES: Final = 64 * 1024 * 1024

# Seconds. How far a timestamp authority's clock may be ahead of the verifier's.
MAX_CLOCK_SKEW_S: Final = 60

# Seconds. DESIGN T6: a release lives 30 days at most, targets 90.
MAX_RELEASE_LIFE_S: Final = 30 * 86_400
MAX_TARGETS_LIFE_S: Final = 90 * 86_400

# Characters. DESIGN 5: a rule id has 64 at most.
MAX_RULE_ID_CHARS: Final = 64

# Packs pinned in one workspace.
MAX_PACKS: Final = 64

# Characters. A checkpoint is 200; a note with witnesses' signatures some more.
MAX_CHECKPOINT_CHARS: Final = 16_384

# Approvals of one change of one rule: a lint identity's, and those of some people.
MAX_APPROVALS: Final = 8

# Waivers that one release lists. Each is an exception that somebody has to remember.
MAX_WAIVERS: Final = 256
# Seconds. DESIGN 9: a waiver lives 90 days at most.
MAX_WAIVER_LIFE_S: Final = 90 * 86_400
# Characters. DESIGN 5: a justification that says less says nothing.
MIN_JUSTIFICATION_CHARS: Final = 40
# Services, targets or tiers in the scope of one waiver: more are no exception.
MAX_SCOPE_NAMES: Final = 64

# Further signers of one statement. More principals than any threshold asks for.
MAX_COSIGNERS: Final = 16

# Releases that one trust policy names by digest: a floor, and what revocations keep.
# A Runner fetches each, at up to 7 MiB.
MAX_NAMED_RELEASES: Final = 32

# Cases in one suite: a table of inputs, each with its reason.
MAX_CASES: Final = 1000

# Checks, or warnings, of one lint run.
MAX_LINT_TEXTS: Final = 256

# Checks in a Runner's report: those of the gate, not those of every rule.
MAX_REPORTED_CHECKS: Final = 256

# Characters. A principal is an e-mail address or a workload's name (RFC 5321: 254).
MAX_PRINCIPAL_CHARS: Final = 256

# Characters. A workflow of GitHub at a ref: 39 for the owner, 100 for the repository,
# 255 for the ref, some for the file, and as many again for what is escaped.
MAX_SUBJECT_CHARS: Final = 1024

# Characters. An issuer is a short address.
MAX_ISSUER_CHARS: Final = 256

# Sigstore instances in one trust policy: public, private, and one of each CI provider.
MAX_INSTANCES: Final = 16

# OIDC identities with a pattern in one trust policy. Each pair is compared; families
# of workflows have one, people and single workflows are named exactly.
MAX_PATTERNS: Final = 64

# Permissions, and rule namespaces, of one identity. There are eight permissions; who
# has more namespaces than this is given all.
MAX_PERMISSIONS: Final = 16
MAX_NAMESPACES: Final = 256

# Characters. Media types are short (RFC 6838 §4.2: two names of at most 127).
MAX_PAYLOAD_TYPE_CHARS: Final = 255

# Bytes. The longest certificate of a public authority has 1.3 KB.
MAX_CERTIFICATE_BYTES: Final = 8192

# Certificates of signers whose profile, issuer and timestamp are kept as checked, 2 KB
# each: a pipeline takes one for minutes of work, an audit reads one per attestation.
MAX_LEAVES: Final = 1024
