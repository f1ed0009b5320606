# SPDX-License-Identifier: Apache-2.0
"""Bounds of key providers, each with its unit and its reason."""

from typing import Final

# Seconds for opening a key, and for one signature, all attempts together. A KMS
# answers in 20 ms and an HSM under load in a second; a client of ours waits 30.
DEADLINE_S: Final = 20.0
# Calls to remote providers under way in one process: more than the service has
# threads. Beyond it, so many are stuck that another would be too.
MAX_CALLS: Final = 64
# Characters. The longest of use: a module's path, a label of 32 and an id.
MAX_URI_CHARS: Final = 2048
# Bytes. RSA 4096 has 512; devices may pad what they return.
MAX_SIGNATURE_BYTES: Final = 1024
# Bytes. PKCS #11 tokens take 4 to 255.
MAX_PIN_BYTES: Final = 255

# AWS KMS. Seconds to connect, and of silence; attempts of one call.
KMS_CONNECT_S: Final = 3.0
KMS_SILENCE_S: Final = 5.0
KMS_ATTEMPTS: Final = 3
# Connections kept; as many as the service has threads.
KMS_CONNECTIONS: Final = 40

# PKCS #11. Tokens looked at, and objects of one search; a key's name is to say one.
MAX_TOKENS: Final = 64
MAX_OBJECTS: Final = 16
