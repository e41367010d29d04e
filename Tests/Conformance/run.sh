#!/bin/sh
# The iptables project's own tests, unchanged, against our binary under the name xtables-legacy-multi; against one whose name ends with
# nft-multi, those of iptables-nft under the name xtables-nft-multi. Its tests of arptables and ebtables get the real tool.
#
#   run.sh BINARY [--may-skip]
#
# The source package comes through apt into a cache outside the checkout. Every line and script that the real 1.8.9 tool
# passes on Linux 6.18 must pass; the lines it fails there are the kernel's doing and stand in kernel-dependent.txt or kernel-dependent-nft.txt.
# With --may-skip a source package that cannot be fetched is said aloud and is no failure.
set -eu

binary=$(realpath "$1")
may_skip=${2:-}
# The scripts that the real tool fails are ebtables/0008-ebtables-among_0 of nft.
case "$binary" in
*nft-multi) variant=nft lines=1039 scripts=59 failing=1 excluded=kernel-dependent-nft.txt ;;
*) variant=legacy lines=868 scripts=60 failing=0 excluded=kernel-dependent.txt ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ferrule/conformance
version=1.8.9
archive="$cache/iptables_$version.orig.tar.xz"

skip() {
  echo "conformance: SKIPPED: $1" >&2
  [ "$may_skip" = --may-skip ] && exit 0
  exit 1
}

[ "$(id -u)" = 0 ] || skip "needs root for network namespaces"
for tool in python3 apt-get unshare tar xz; do
  command -v $tool >/dev/null || skip "needs $tool"
done

# A private copy of the system's sources with the source packages enabled; the system's own lists stay as they are.
fetch() {
  mkdir -p "$cache/sources" "$cache/lists/partial"
  for file in /etc/apt/sources.list.d/*.sources; do
    [ -f "$file" ] && sed 's/^Types: deb$/Types: deb deb-src/' "$file" >"$cache/sources/$(basename "$file")"
  done
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -f "$file" ] && sed -n 's/^deb \(.*\)/deb \1\ndeb-src \1/p' "$file" >"$cache/sources/$(basename "$file" .list).list"
  done
  set -- -o Dir::Etc::sourceparts="$cache/sources" -o Dir::Etc::sourcelist=/dev/null -o Dir::State::Lists="$cache/lists"
  for _ in 1 2 3; do
    apt-get "$@" update -qq && (cd "$cache" && apt-get "$@" source --download-only iptables >/dev/null) && [ -f "$archive" ] && return 0
    sleep 5
  done
  return 1
}

mkdir -p "$cache"
if [ ! -f "$archive" ] && ! fetch >"$cache/fetch.log" 2>&1; then
  skip "the source package iptables $version could not be fetched (see $cache/fetch.log)"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -xf "$archive" -C "$work"
mkdir "$work/bin"
if [ $variant = nft ]; then
  real=$(command -v xtables-nft-multi) || skip "needs xtables-nft-multi for arptables and ebtables"
  cat >"$work/bin/xtables-nft-multi" <<EOF
#!/bin/sh
case "\$1" in arptables* | ebtables* | *translate*) exec "$real" "\$@" ;; esac
exec "$binary" "\$@"
EOF
  chmod +x "$work/bin/xtables-nft-multi"
else
  ln -s "$binary" "$work/bin/xtables-legacy-multi"
fi
export PATH="$work/bin:$PATH" XTABLES_LOCKFILE="$work/lock"

cd "$work/iptables-$version"
python3 iptables-test.py --host --$variant >"$work/lines.log" 2>&1 || true
total=$(sed -n "s/^$variant: .* \([0-9]*\) unit tests, \([0-9]*\) passed.*/\1/p" "$work/lines.log")
passed=$(sed -n "s/^$variant: .* \([0-9]*\) unit tests, \([0-9]*\) passed.*/\2/p" "$work/lines.log")
sed 's/\x1b\[[0-9;]*m//g' "$work/lines.log" | sed -n 's/^extensions\/\([^:]*\): ERROR: line \([0-9]*\) .*/\1:\2/p' | sort -u >"$work/failed"
sort -u "$here/$excluded" >"$work/excluded"
comm -23 "$work/failed" "$work/excluded" >"$work/unexpected"
echo "conformance of $variant: ${passed:-0} of ${total:-0} lines pass; $(wc -l <"$work/failed") fail, of which the real tool passes $(wc -l <"$work/unexpected")"

(cd iptables/tests/shell && ./run-tests.sh --host --$variant) >"$work/scripts.log" 2>&1 || true
ok=$(sed -n "s/.*$variant results: \[OK\] \([0-9]*\) \[FAILED\] \([0-9]*\).*/\1/p" "$work/scripts.log")
bad=$(sed -n "s/.*$variant results: \[OK\] \([0-9]*\) \[FAILED\] \([0-9]*\).*/\2/p" "$work/scripts.log")
echo "conformance of $variant: ${ok:-0} shell scripts pass, ${bad:-all} fail"

status=0
if [ -s "$work/unexpected" ] || [ "${total:-0}" -lt $lines ]; then
  status=1
  while read -r line; do grep -F "extensions/${line%%:*}: ERROR: line ${line##*:} " "$work/lines.log" || true; done <"$work/unexpected"
  [ -n "$total" ] || tail -5 "$work/lines.log"
fi
if [ "${bad:-60}" -gt $failing ] || [ "${ok:-0}" -lt $scripts ]; then
  status=1
  grep -a FAILED "$work/scripts.log" || tail -5 "$work/scripts.log"
fi
exit $status
