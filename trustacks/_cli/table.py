# SPDX-License-Identifier: Apache-2.0
"""Every command: its name, where it is, and its line of help.

A name is imported only when its command runs, so that `trustacks rule lint` does not
wait for HTTP, and only `trustacks server` loads the Control Plane.
"""

from typing import Final

from trustacks._cli.lazy import Table

_HERE: Final = "trustacks._cli"

# The commands that are sure to ask the Rego engine: it is started before they are read.
ASK_ENGINE: Final = frozenset(
    ("rule", name) for name in ("approve", "check", "lint", "sign", "test")
)

_TOKEN: Final[Table] = {
    "create": (f"{_HERE}.token:create", "make a token; it is shown once"),
    "list": (f"{_HERE}.token:list_", "list the tokens, never their secrets"),
    "revoke": (f"{_HERE}.token:revoke", "end a token now"),
}
_INSTANCE: Final[Table] = {
    "add": (f"{_HERE}.trust_instance:add", "pin one, or replace it"),
    "remove": (f"{_HERE}.trust_instance:remove", "drop one"),
    "list": (f"{_HERE}.trust_instance:list_", "list them"),
}
_AUTHORITY: Final[Table] = {
    "add": (f"{_HERE}.trust_authority:add", "trust those of a TrustedRoot"),
    "remove": (f"{_HERE}.trust_authority:remove", "trust one no longer"),
    "list": (f"{_HERE}.trust_authority:list_", "list them"),
}
COMMANDS: Final[Table] = {
    "login": (f"{_HERE}.login:login", "pin a workspace's root and keep a token"),
    "status": (f"{_HERE}.status:status", "health, active revision, form of trust"),
    "version": (f"{_HERE}.version:version", "versions of the command and its engine"),
    "keys": (
        {
            "create": (f"{_HERE}.keys:create", "make an encrypted signing key"),
            "add": (f"{_HERE}.keys:add", "name a key of a KMS or HSM"),
            "show": (f"{_HERE}.keys:show", "show a key's public half"),
        },
        "the keys that you sign with",
    ),
    "workspace": (
        {
            "create": (f"{_HERE}.workspace:create", "make a workspace"),
            "show": (
                f"{_HERE}.workspace:show",
                "show a workspace and its form of trust",
            ),
            "list": (f"{_HERE}.workspace:list_", "list the workspaces"),
            "token": (_TOKEN, "who may call the Control Plane"),
        },
        "workspaces and their tokens",
    ),
    "identity": (
        {
            "register": (f"{_HERE}.identity:register", "register a signing identity"),
            "list": (f"{_HERE}.identity_show:list_", "list the identities that sign"),
            "show": (f"{_HERE}.identity_show:show", "show one identity"),
            "blast-radius": (
                f"{_HERE}.identity_radius:blast_radius",
                "what stops if it is revoked now",
            ),
            "rotate": (f"{_HERE}.identity_rotate:rotate", "put a new key in its place"),
            "suspend": (f"{_HERE}.identity_end:suspend", "end it until it is resumed"),
            "resume": (f"{_HERE}.identity_end:resume", "lift a suspension"),
            "revoke": (f"{_HERE}.identity_end:revoke", "end an identity's signatures"),
        },
        "overlay-signing identities",
    ),
    "trust": (
        {
            "change": (f"{_HERE}.trust_change:change", "propose floor or thresholds"),
            "proposals": (f"{_HERE}.trust:proposals", "list proposed changes of trust"),
            "diff": (f"{_HERE}.trust:diff", "show what a proposal changes"),
            "approve": (f"{_HERE}.trust:approve", "sign a proposal as an admin"),
            "renew": (f"{_HERE}.trust_change:renew", "propose the same for longer"),
            "carry": (f"{_HERE}.trust_carry:carry", "take a proposal along, offline"),
            "sign": (f"{_HERE}.trust_carry:sign", "sign one that was carried"),
            "submit": (f"{_HERE}.trust_carry:submit", "hand in what was signed"),
            "doctor": (f"{_HERE}.trust_doctor:doctor", "say what the property lacks"),
            "authority": (_AUTHORITY, "outside timestamp authorities"),
            "instance": (_INSTANCE, "Sigstore instances that certify OIDC subjects"),
        },
        "what admins of a sovereign workspace decide",
    ),
    "root": (
        {
            "draft": (f"{_HERE}.root:draft", "draft the admins' next root"),
            "sign": (f"{_HERE}.root:sign", "sign it as an admin"),
            "show": (f"{_HERE}.root:show", "show it, or the newest one"),
            "publish": (f"{_HERE}.root:publish", "publish it, signed by enough"),
            "online": (f"{_HERE}.root:online", "have an online key made"),
        },
        "who the admins are, and the online keys",
    ),
    "ceremony": (
        {
            "begin": (f"{_HERE}.ceremony:begin", "take the server's online keys"),
            "root": (f"{_HERE}.ceremony:root", "draft the root"),
            "trust": (f"{_HERE}.ceremony:trust", "make the first trust"),
            "move": (f"{_HERE}.ceremony:move", "begin to make a workspace sovereign"),
            "sign": (f"{_HERE}.ceremony:sign", "sign the root or the first trust"),
            "show": (f"{_HERE}.ceremony:show", "show how far it is"),
            "finish": (f"{_HERE}.ceremony:finish", "make the workspace"),
        },
        "begin a sovereign workspace, admins signing offline",
    ),
    "rule": (
        {
            "new": (f"{_HERE}.rule_new:new", "write a rule and its tests on a branch"),
            "draft": (f"{_HERE}.rule_draft:draft", "have a rule drafted, on a branch"),
            "fmt": (f"{_HERE}.rule_fmt:fmt", "format rules and tests"),
            "test": (f"{_HERE}.rule_test:test", "run the tests of rules"),
            "lint": (f"{_HERE}.rule_lint:lint", "check rules, the ratchet included"),
            "sign": (f"{_HERE}.rule_sign:sign", "test, lint, then attest a rule"),
            "approve": (
                f"{_HERE}.rule_approve:approve",
                "approve the change, end or return of a rule",
            ),
            "retire": (f"{_HERE}.rule_retire:retire", "take a rule out of force"),
            "cosign": (
                f"{_HERE}.rule_cosign:cosign",
                "sign what another author signed",
            ),
            "check": (f"{_HERE}.rule_check:check", "judge a pull request's rules"),
            "explain": (f"{_HERE}.rule_explain:explain", "what a finding's code means"),
            "list": (f"{_HERE}.rule_show:list_", "list the rules of the overlay"),
            "show": (f"{_HERE}.rule_show:show", "show one rule"),
        },
        "policy rules of the overlay",
    ),
    "layout": (
        {
            "sign": (f"{_HERE}.layout:sign", "sign the layout of the trust in force"),
            "link": (f"{_HERE}.layout:link", "sign the link of a step of the release"),
        },
        "releases for stock in-toto-verify",
    ),
    "find": (
        {
            "attestations": (
                f"{_HERE}.find:find_attestations",
                "about a subject, or by an identity",
            ),
            "releases": (f"{_HERE}.find:find_releases", "that have a rule in force"),
            "runners": (f"{_HERE}.find:find_runners", "that activated a revision"),
        },
        "who signed what, what is where, who runs it",
    ),
    "waiver": (
        {
            "sign": (f"{_HERE}.waiver:sign", "ask for a waiver of a pack's rule"),
            "approve": (f"{_HERE}.waiver:approve", "approve what another asked for"),
            "list": (f"{_HERE}.waiver:list_", "list the waivers of the overlay"),
        },
        "exceptions from packs' rules, for a while",
    ),
    "bundle": (
        {
            "build": (f"{_HERE}.bundle:build", "build the policy bundle"),
            "release": (f"{_HERE}.release:release", "sign and publish a release"),
            "reaffirm": (f"{_HERE}.release:reaffirm", "renew the newest release"),
            "cosign": (
                f"{_HERE}.bundle_cosign:cosign",
                "sign what another one released",
            ),
            "verify": (f"{_HERE}.bundle:verify", "check the release as a Runner does"),
            "inspect": (f"{_HERE}.bundle:inspect", "show what a bundle holds"),
            "export": (
                f"{_HERE}.bundle_export:export",
                "write the release and all attestations about it",
            ),
        },
        "policy bundles and releases",
    ),
    "runner": (
        {
            "enroll": (f"{_HERE}.runner_enroll:enroll", "make and register a Runner"),
            "pin": (f"{_HERE}.runner_pin:pin", "pin the root of the sovereign form"),
            "step": (f"{_HERE}.runner:step", "refresh, verify, activate"),
            "decide": (f"{_HERE}.runner:decide", "decide on a proposal"),
            "status": (f"{_HERE}.runner:status", "show what the Runner enforces"),
        },
        "a Runner on this machine",
    ),
    "audit": (
        {
            "export": (f"{_HERE}.audit:export", "write an evidence pack"),
            "replay": (f"{_HERE}.audit:replay", "verify an evidence pack, offline"),
        },
        "evidence for auditors",
    ),
    "sigstore": (
        {
            "trusted-root": (f"{_HERE}.sigstore:trusted_root", "the file to verify by"),
            "signing-config": (
                f"{_HERE}.sigstore:signing_config",
                "the file to sign by",
            ),
            "token": (f"{_HERE}.sigstore:token", "an identity token, for minutes"),
        },
        "for Sigstore's own clients: cosign, sigstore",
    ),
    "mcp": (f"{_HERE}.mcp:mcp", "let an agent list, explain, test and lint"),
    "sign": (f"{_HERE}.sign_file:sign", "vouch for a file, in a workspace or outside"),
    "attest": (f"{_HERE}.attest:attest", "say something about files, in one signature"),
    "verify": (f"{_HERE}.verify:verify", "verify who signed a file, offline"),
    "server": (
        {
            "run": (f"{_HERE}.server:run", "run a Control Plane"),
            "jobs": (f"{_HERE}.server:jobs", "refresh metadata, delete garbage"),
            "migrate": (f"{_HERE}.server:migrate", "bring the registry up to date"),
        },
        "the Control Plane",
    ),
}
