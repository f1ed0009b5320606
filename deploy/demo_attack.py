# SPDX-License-Identifier: Apache-2.0
"""What an attacker does in the demo, and the ``trustacks`` command will not.

``demo_attack.py ATTESTATION FORGED``: takes the statement of somebody's attestation,
signs it again with a key of one's own, has the signature stamped by the real timestamp
authority, writes it to FORGED, and asks the Control Plane to log it. The key and the
token are those of the attacker's own login: an API token of role ``author`` is not a
signing right.
"""

import sys
from pathlib import Path

from keys.errors import TrustacksError
from signer.attestation import parse_attestation
from signer.sign import attest_pending
from trustacks._cli.connect import open_client
from trustacks._cli.environment import read_environment
from trustacks._cli.keyring import open_key
from trustacks._cli.output import Output
from trustacks._cli.session import Session
from trustacks.notary import RemoteNotary


def forge(attestation: Path, forged: Path) -> int:
    """Forge an attestation and submit it; return the exit code."""
    with Session(read_environment(), Output()) as session:
        login = session.login()
        statement = parse_attestation(attestation.read_bytes()).envelope.payload
        api = open_client(session, login).workspace(login.workspace)
        notary = RemoteNotary(api)
        key = open_key(session, None)
        made = attest_pending(statement, key=key, timestamp=notary.timestamp)
        forged.write_bytes(made)
        print(f"forged {forged} with key {key.public_key.key_id[:16]}, stamped")
        try:
            notary.log(made)
        except TrustacksError as error:
            print(f"the Control Plane: {error.message} [{error.to_json()['code']}]")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(forge(Path(sys.argv[1]), Path(sys.argv[2])))
