# SPDX-License-Identifier: Apache-2.0
"""The bounds on what is asked of a Sigstore instance: number, unit, reason."""

from typing import Final

# Seconds to connect, and of silence while an answer comes.
CONNECT_S: Final = 10.0
SILENCE_S: Final = 30.0

# Seconds for one request, dripping included. rekor-tiles CLIENTS.md asks clients to
# wait 20 seconds at least, because a log answers when the entry is in a checkpoint.
REQUEST_S: Final = 45.0

# Seconds for one service, all tries and waits together; a certificate lives for ten
# minutes and three services are asked.
SERVICE_S: Final = 90.0

# Tries of one request, and seconds between them: doubled each time, with jitter, so
# that clients that failed together do not come back together.
MAX_TRIES: Final = 5
FIRST_WAIT_S: Final = 0.5
MAX_WAIT_S: Final = 15.0

# Bytes of an answer. A log's is an entry of a small body with a proof and a note.
MAX_ANSWER_BYTES: Final = 512 * 1024

# Bytes of a SigningConfig. The public-good instance's has 1 KB.
MAX_SIGNING_CONFIG_BYTES: Final = 64 * 1024

# Services of one kind in a SigningConfig: some operators, each with old and new ones.
MAX_SERVICES: Final = 32

# Characters of a service's address.
MAX_URL_CHARS: Final = 1024

# Bytes of an OIDC token. GitHub's has 2 KB; headers of servers end at 8 or 16 KB.
MAX_TOKEN_BYTES: Final = 16 * 1024

# Seconds that a token or certificate must still be good for, to be used.
MARGIN_S: Final = 30.0
