#!/bin/sh
# Makes the archive, unpacks it elsewhere, and uses it there without Swift's libraries.
# Usage: tarball.sh FOLDER-OF-PROGRAMS
set -eu
bin=$(cd "$1" && pwd)
. "$(dirname "$0")/common.sh"
archive=$("$root/Packaging/tarball.sh" "$bin" "$work/out")
mkdir "$work/a place"
tar -C "$work/a place" -xzf "$archive"
cd "$work/a place"/ferrule-*
ldd bin/ferrule bin/ferrule-legacy-multi | grep -E 'libswift|libFoundation|lib_Foundation|libstdc' && fail "Swift's libraries are not in the programs"
clean() { env -i PATH=/usr/bin:/bin "$@"; }
clean bin/ferrule --version | grep -q 'iptables 1.8.9 and Linux 6.18' || fail "the version does not tell what it was compared with"
commit=$(git -C "$root" rev-parse --short=12 HEAD 2>/dev/null || true)
[ -z "$commit" ] || clean bin/ferrule --version | grep -q "commit $commit" || fail "the version does not tell the commit"
clean bin/ferrule test share/doc/ferrule/Examples/web-server/scenario.yaml >/dev/null || fail "an example's tests fail"
# An extension that Ferrule does not declare is asked of ferrule-xtables beside it.
clean bin/ferrule-legacy-multi iptables --version | grep -q 'v1.8.9' || fail "the iptables command does not run"
echo "tarball: ok, $(du -h --apparent-size "$archive" | cut -f1) packed, $(du -sh --apparent-size . | cut -f1) unpacked"
