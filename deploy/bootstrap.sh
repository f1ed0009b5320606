#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Make .venv, or $VENV, from the hash-locked dependencies: bootstrap.sh runtime|production|dev
# Says what this machine lacks and exits 3 before anything is written.
set -eu
cd "$(dirname "$0")/.."
kind=$1
venv=${VENV:-.venv}
lock=requirements/$kind.txt

say() { printf 'trustacks: %s\n' "$*" >&2; }

find_python() {
	for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
		"$name" -c '' 2>/dev/null || continue
		if ! "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))'; then
			say "$name is $("$name" -V 2>&1), not 3.11 to 3.14"
		elif ! "$name" -c 'import ensurepip, venv' 2>/dev/null; then
			say "$name has no venv module (on Debian: apt-get install python3-venv)"
		else
			echo "$name"
			return
		fi
	done
	say "missing: Python 3.11 to 3.14 with venv"
	say "hint: install it, or name it: make PYTHON=/path/to/python3.12 ..."
	exit 3
}

python=$(find_python) || exit 3
if ! git --version >/dev/null 2>&1; then
	say "missing: git"
	exit 3
fi

stamp=$venv/.$kind-$(cat requirements/pip.txt "$lock" pyproject.toml | cksum | tr ' ' -)
[ -x "$venv/bin/python" ] && [ -e "$stamp" ] && "$venv/bin/python" -c '' 2>/dev/null && exit 0

say "installing the locked dependencies ($(grep -c '==' "$lock") packages) into $venv"
if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
	rm -rf "$venv"
	"$python" -m venv "$venv"
fi
pip() { "$venv/bin/python" -m pip --disable-pip-version-check -q "$@"; }
locked() { pip install --require-hashes --only-binary=:all: -r "$1"; }
{ locked requirements/pip.txt && locked "$lock"; } || {
	say "the package index did not give the locked packages"
	say "hint: check the network and pip's configuration, then run it again"
	exit 3
}
pip install --no-deps --no-build-isolation --no-index -e .
: >"$stamp"
