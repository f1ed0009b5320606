# SPDX-License-Identifier: Apache-2.0
"""Every bound of the service: a number, its unit, and why it is that number."""

from typing import Final

# Bytes. A release request carries one bundle and its attestations in base64; DESIGN 7
# bounds the compressed bundle, and 4/3 of it and the attestations fit here.
MAX_BODY_BYTES: Final = 64 * 1024 * 1024
# Bytes. Everything but releases and layers: an attestation is under 64 KiB.
MAX_SMALL_BODY_BYTES: Final = 1024 * 1024
# Bytes. RFC 3161 requests of ours are 60; a SHA-512 imprint and a policy fit ten times.
MAX_TIMESTAMP_REQUEST_BYTES: Final = 1024
# Bytes of one bearer token header; ours have 70 characters.
MAX_TOKEN_CHARS: Final = 256
# Characters of a request id that we take over from a proxy.
MAX_REQUEST_ID_CHARS: Final = 64
# Characters. A workspace name is a DNS label in its log's origin (RFC 1035 §2.3.4: 63).
MAX_WORKSPACE_CHARS: Final = 40
# Seconds. 90 days: a token outlives a sprint, not a role.
MAX_TOKEN_SECONDS: Final = 90 * 24 * 3600
# Seconds. The first admin token must outlive an evaluation; real ones replace it.
BOOTSTRAP_TOKEN_SECONDS: Final = 365 * 24 * 3600
# Seconds. Long enough to carry a challenge by hand to the machine with the key.
CHALLENGE_SECONDS: Final = 3600
# Challenges that one workspace may have open: a bound on what an author can store.
MAX_OPEN_CHALLENGES: Final = 1000
# Characters of a person's or program's name, as stored.
MAX_NAME_CHARS: Final = 128
# Characters of a reason for a revocation.
MAX_REASON_CHARS: Final = 1000
# Items per page of entries, attestations and releases: about a megabyte of answer.
MAX_PAGE_ITEMS: Final = 256
# Items. A constitution and packs; evaluation takes a time per layer.
MAX_PACKS: Final = 64
# Bytes of one object that the static routes serve: the largest is a bundle.
MAX_STATIC_BYTES: Final = 64 * 1024 * 1024
# Threads, and equally database connections: AnyIO's own default.
DEFAULT_THREADS: Final = 40
# Revisions listed in the release role (DESIGN 3.2: constant size of metadata).
DEFAULT_RELEASES_LISTED: Final = 3
# Milliseconds that SQLite waits for another writer before it says busy.
SQLITE_BUSY_MS: Final = 10_000
# Milliseconds that a server waits for another one's writer of the same workspace; a
# publish takes a second or two.
LOCK_WAIT_MS: Final = 30_000
# Seconds that a stopping server waits for requests in flight.
SHUTDOWN_SECONDS: Final = 10
# Seconds that an idle connection stays open. A device that waits for its login asks
# every 5 to 10 seconds, on one connection; when that is closed under a POST, clients in
# Go (cosign) give up and do not ask again.
KEEP_ALIVE_SECONDS: Final = 30
# Seconds between looks at the age of online metadata; it lives for a day or more.
REFRESH_SECONDS: Final = 900
# Keys elsewhere than in the state directory: four for each of a hundred workspaces.
MAX_KEY_PLACES: Final = 400
# Bytes of the file that names them; an entry is under 600.
MAX_KEY_PLACES_BYTES: Final = 256 * 1024
# Bytes of a passphrase or token file of ours.
MAX_SECRET_FILE_BYTES: Final = 4096
# Releases that wait for signatures in one workspace: some pipelines at once, each as
# large as a release.
MAX_PENDING_RELEASES: Final = 16
# Seconds. A week: longer than any client's session, any cache's patience, and a
# publisher's weekend.
GARBAGE_GRACE_SECONDS: Final = 7 * 24 * 3600
# Seconds. A refresh takes a minute at most, a publish two; caches of answers longer.
MIN_GARBAGE_GRACE_SECONDS: Final = 3600
# Seconds between looks for garbage: a list of the bucket's names costs a request per
# thousand.
GARBAGE_LOOK_SECONDS: Final = 6 * 3600
# Objects deleted under one turn of the workspace's lock: a few seconds of S3.
GARBAGE_AT_ONCE: Final = 256
# Bytes. Strict JSON of this size is parsed in under 0.2 ms, on the event loop.
MAX_INLINE_JSON_BYTES: Final = 8 * 1024
