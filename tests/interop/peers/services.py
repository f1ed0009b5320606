# SPDX-License-Identifier: Apache-2.0
"""Fulcio, its log of certificates, Rekor and a timestamp authority, as they are shipped.

Each is started with the flags that a stranger would find in its help; what a flag of
them is for that is not plain is said beside it.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.interop.peers.pki import PASSWORD, ChainFile, KeyFile
from tests.interop.peers.process import answers, free_port, running

HOST = "127.0.0.1"
# The name in Rekor's checkpoints, and the host of its address.
LOG_HOST = "localhost"


@contextmanager
def run_ct_log(home: Path, *, key: KeyFile, roots: ChainFile) -> Iterator[str]:
    """Run TesseraCT, a log of certificates; its key is an EC key in SEC 1 form."""
    url = f"http://{HOST}:{free_port()}"
    words = (
        f"--private_key={key.path}",
        f"--origin={HOST}",
        f"--storage_dir={_new(home / 'ct')}",
        f"--roots_pem_file={roots.path}",
        "--ext_key_usages=CodeSigning",
        f"--http_endpoint={url.removeprefix('http://')}",
        # It answers when the certificate is in a published tree.
        "--checkpoint_interval=100ms",
        "--batch_max_age=50ms",
        "--inmemory_antispam_cache_size=1k",
    )
    ready = answers(f"{url}/ct/v1/get-roots")
    with running("tesseract", *words, home=home, ready=ready):
        yield url


@contextmanager
def run_fulcio(
    home: Path, *, ca: ChainFile, ct_log: str, issuers: Iterable[dict[str, str]]
) -> Iterator[str]:
    """Run Fulcio on its file CA."""
    config = home / "fulcio.json"
    named = {issuer["IssuerURL"]: issuer for issuer in issuers}
    config.write_text(json.dumps({"OIDCIssuers": named}))
    port = free_port()
    words = (
        "serve",
        "--ca=fileca",
        f"--fileca-cert={ca.path}",
        f"--fileca-key={ca.key.path}",
        f"--fileca-key-passwd={PASSWORD}",
        "--fileca-watch=false",
        f"--host={HOST}",
        f"--port={port}",
        f"--grpc-host={HOST}",
        f"--grpc-port={free_port()}",
        # On every address; so the tests run where there is but one.
        f"--metrics-port={free_port()}",
        f"--legacy-unix-domain-socket={home / 'fulcio.sock'}",
        f"--ct-log-url={ct_log}",
        f"--ct-log-origin={HOST}",
        f"--config-path={config}",
    )
    url = f"http://{HOST}:{port}"
    ready = answers(f"{url}/api/v2/trustBundle")
    with running("fulcio", *words, home=home, ready=ready):
        yield url


@contextmanager
def run_rekor(home: Path, *, key: KeyFile) -> Iterator[str]:
    """Run Rekor v2 on a directory."""
    port = free_port()
    words = (
        "serve",
        f"--http-address={HOST}",
        f"--http-port={port}",
        f"--grpc-address={HOST}",
        f"--grpc-port={free_port()}",
        f"--http-metrics-port={free_port()}",
        f"--hostname={LOG_HOST}",
        f"--storage-dir={_new(home / 'rekor')}",
        f"--signer-filepath={key.path}",
        # It answers when the entry is in a published tree.
        "--checkpoint-interval=100ms",
        "--batch-max-age=50ms",
    )
    url = f"http://{LOG_HOST}:{port}"
    with running("rekor-server", *words, home=home, ready=answers(f"{url}/healthz")):
        yield url


@contextmanager
def run_tsa(home: Path, *, chain: ChainFile) -> Iterator[str]:
    """Run the timestamp authority; its metrics are on port 2112 of every address."""
    port = free_port()
    words = (
        "serve",
        f"--host={HOST}",
        f"--port={port}",
        "--timestamp-signer=file",
        f"--file-signer-key-path={chain.key.path}",
        f"--certificate-chain-path={chain.path}",
        "--disable-ntp-monitoring",
        "--graceful-timeout=1s",
        "--cleanup-timeout=1s",
    )
    url = f"http://{HOST}:{port}"
    with running("timestamp-server", *words, home=home, ready=answers(f"{url}/ping")):
        yield f"{url}/api/v1/timestamp"


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder
