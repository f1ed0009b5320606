#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Resolve requirements/*.txt: hashes, every platform and Python 3.11 to 3.14, no index named.
set -eu
cd "$(dirname "$0")/.."
command -v uv >/dev/null || { echo "trustacks: missing: uv" >&2; exit 3; }
backend=$(mktemp)
trap 'rm -f "$backend"' EXIT
sed -n 's/^requires = \["\(.*\)"\].*/\1/p' pyproject.toml >"$backend"
resolve() {
	uv pip compile --universal --generate-hashes --no-emit-index-url --no-annotate \
		--no-header --quiet --python-version 3.11 "$@"
}
compile() {
	out=$1
	shift
	resolve --output-file "$out" "$@" pyproject.toml "$backend"
}
runs="--extra cli --extra server --extra mcp --extra prove --extra keyless"
stores="--extra s3 --extra postgres --extra kms --extra hsm --extra vault"
# shellcheck disable=SC2086 # words on purpose
compile requirements/runtime.txt $runs
# shellcheck disable=SC2086
compile requirements/production.txt $runs $stores
# shellcheck disable=SC2086
compile requirements/dev.txt $runs $stores --extra dev
# The installer is pinned too: one before 23.3 takes `name[extra]` for unpinned once a newer release of `name` is out.
echo pip | resolve --output-file requirements/pip.txt -
