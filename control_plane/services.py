# SPDX-License-Identifier: Apache-2.0
"""The composition root: the one place where abstract parts meet concrete ones.

``build_services`` is the first start and every later one: what exists is used, what is
missing is made, in the order that ``control_plane.state`` gives.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import update

from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.engine import Engine
from bundle.storage.bucket import Bucket, Location
from bundle.storage.directory import DirectoryStorage
from control_plane import limits
from control_plane.auth.roles import Role
from control_plane.auth.tokens import mint_token
from control_plane.key_places import read_key_places
from control_plane.keystore import SERVER, TSA, TSA_CA, KeyStore
from control_plane.metrics import Metrics
from control_plane.registry.migrate import migrate
from control_plane.registry.models import TokenRow
from control_plane.registry.session import Registry
from control_plane.settings import Settings
from control_plane.sigstore.instance import EmbeddedSigstore, open_sigstore
from control_plane.state import StateDirectory
from control_plane.stores import DirectoryStores, OpenStorage, S3Stores, Stores
from control_plane.timestamping import open_authority
from control_plane.tsa import TimestampService
from control_plane.workspaces import Workspaces
from keys.clock import Clock, format_instant, utc_now
from keys.durable import create_file

_BOOTSTRAP_SUBJECT = "first-admin"


@dataclass(frozen=True, slots=True)
class Services:
    """What workflows work with.

    Attributes:
        settings: What the operator chose.
        state: The state directory.
        clock: The current instant.
        registry: The index.
        keystore: The keys that this server holds.
        timestamping: The embedded timestamp authority.
        workspaces: The workspaces of this server.
        engine: Rego, for the Runner's gate.
        server_keys: Ids of the keys that serve no workspace in particular.
        sigstore: The embedded Sigstore instance, if it runs.
        first_start: What to tell the operator about secrets made now.
        metrics: What this process counts.
    """

    settings: Settings
    state: StateDirectory
    clock: Clock
    registry: Registry
    keystore: KeyStore
    timestamping: TimestampService
    workspaces: Workspaces
    engine: Engine
    server_keys: frozenset[str]
    sigstore: EmbeddedSigstore | None = None
    first_start: tuple[str, ...] = ()
    metrics: Metrics = field(default_factory=Metrics)

    def close(self) -> None:
        """Stop what runs and close what is open."""
        self.engine.close()
        self.registry.close()


def build_services(
    settings: Settings,
    *,
    clock: Clock = utc_now,
    open_storage: OpenStorage = DirectoryStorage,
) -> Services:
    """Join the parts of one server.

    Args:
        settings: What the operator chose.
        clock: The current instant.
        open_storage: Opens the storage of a workspace in a directory.

    Raises:
        ConfigurationError: Settings that cannot be.
        StorageError: The state directory or the registry cannot be used.
        KeyProviderError: The passphrase does not open the keys.
    """
    state = StateDirectory.prepare(settings)
    chosen = settings.passphrase_file is not None
    said: list[str] = []
    if state.ensure_passphrase(chosen=chosen):
        said.append(f"made the passphrase of all keys here: {state.passphrase_file}")
    keystore = KeyStore(
        state.keys,
        state.passphrase,
        read_key_places(settings.keys_file) if settings.keys_file else {},
        settings.pkcs11_module,
    )
    authority = open_authority(
        state.chain,
        ca_key=keystore.ensure(SERVER, TSA_CA),
        key=keystore.ensure(SERVER, TSA),
        at=clock(),
    )
    sigstore = None
    if settings.runs_sigstore:
        sigstore = open_sigstore(settings, state, keystore, at=clock())
    registry = Registry(settings.registry_url, connections=settings.threads)
    migrate(registry)
    if _ensure_admin_token(state, registry, clock):
        said.append(f"made the first admin's token: {state.admin_token}")
    keys = (*authority.keys, *(sigstore.keys if sigstore else ()))
    return Services(
        settings=settings,
        state=state,
        clock=clock,
        registry=registry,
        keystore=keystore,
        timestamping=authority.service,
        workspaces=Workspaces(
            stores=_open_stores(settings, state, open_storage),
            settings=settings,
            registry=registry,
            keystore=keystore,
            authority=authority,
        ),
        engine=EmbeddedEngine(),
        server_keys=frozenset(key.key_id for key in keys),
        sigstore=sigstore,
        first_start=tuple(said),
    )


def _open_stores(
    settings: Settings, state: StateDirectory, open_storage: OpenStorage
) -> Stores:
    if not settings.storage:
        return DirectoryStores(state.workspaces, open_storage)
    location = Location.parse(settings.storage)
    bucket = Bucket(
        location.bucket,
        endpoint_url=settings.s3_endpoint_url or None,
        region=settings.s3_region or None,
    )
    return S3Stores(bucket, location.prefix)


def _ensure_admin_token(
    state: StateDirectory, registry: Registry, clock: Clock
) -> bool:
    """Make the first token unless its file exists; return whether it was made."""
    if state.admin_token.exists():
        return False
    at = clock()
    with registry.write() as session:
        # A crash before the file was written left a token that nobody has.
        session.execute(
            update(TokenRow)
            .where(
                TokenRow.subject == _BOOTSTRAP_SUBJECT,
                TokenRow.workspace.is_(None),
                TokenRow.revoked_at.is_(None),
            )
            .values(revoked_at=format_instant(at))
        )
        minted = mint_token(
            session,
            role=Role.ADMIN,
            subject=_BOOTSTRAP_SUBJECT,
            workspace=None,
            ttl=timedelta(seconds=limits.BOOTSTRAP_TOKEN_SECONDS),
            at=at,
        )
    create_file(state.admin_token, f"{minted.token}\n".encode(), mode=0o600)
    return True
