#!/bin/sh
# Runs the scripts of this folder one after another. Prints a line with the result of each, and a total; the status is 1 if one has failed.
# Usage: run.sh FOLDER-OF-DEBUG-PROGRAMS FOLDER-OF-RELEASE-PROGRAMS [SCRIPT…]     without names: all
#
# A script that tests what is installed or measures a time gets the programs of the release, which are built before the first of them. A
# script whose tools cannot be installed is skipped with the reason; nothing waits for a network that does not answer.
set -u
debug=$1 release=$2
shift 2
chosen=" $* "
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
logs="$root/.build/integration"
mkdir -p "$logs"
passed=0 failed=0 skipped=0
begin=$(date +%s)

# Installs what is missing of some Debian packages. After a failure it is not tried again, so that a network that does not answer costs its
# limits once.
repositories=unread
install_packages() {
  missing=
  for package in "$@"; do
    dpkg-query -W -f='${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed' || missing="$missing $package"
  done
  [ -n "$missing" ] && [ $repositories != unusable ] && command -v apt-get >/dev/null || return
  if [ "$(id -u)" = 0 ]; then as_root=; elif sudo -n true 2>/dev/null; then as_root="sudo -n"; else return; fi
  apt="apt-get -q -y -o Acquire::Retries=1 -o Acquire::http::Timeout=15 -o Acquire::https::Timeout=15 -o DPkg::Lock::Timeout=60"
  {
    [ $repositories = read ] || timeout 90 $as_root $apt update
    timeout 300 $as_root env DEBIAN_FRONTEND=noninteractive $apt install --no-install-recommends $missing
  } >"$logs/packages.log" 2>&1 </dev/null && repositories=read && return
  repositories=unusable
  echo "cannot install$missing: $(grep '^E:' "$logs/packages.log" | tail -1)"
}

# result WORD NAME SECONDS DETAIL
result() { printf '%-8s %-16s %4d s  %s\n' "$@"; }
fails() {
  failed=$((failed + 1))
  result FAILED "$1" "$2" "$3; the end of .build/integration/$1.log:"
  tail -20 "$logs/$1.log" | sed 's/^/    /'
}

release_is=unbuilt
build_release() {
  start=$(date +%s)
  if ${MAKE:-make} --no-print-directory -C "$root" release >"$logs/release.log" 2>&1 </dev/null; then
    release_is=built
    result built release $(($(date +%s) - start)) ""
  else
    release_is=broken
    fails release $(($(date +%s) - start)) "it cannot be built"
  fi
}

# run NAME PROGRAMS LIMIT PACKAGE…
run() {
  name=$1 programs=$debug limit=$3 start=$(date +%s)
  if [ "$2" = release ]; then
    [ $release_is != unbuilt ] || build_release
    [ $release_is = built ] || { result "not run" "$name" 0 "there is no release"; return; }
    programs=$release start=$(date +%s)
  fi
  shift 3
  install_packages "$@"
  timeout -k 10 "$limit" "$here/$name.sh" "$programs" >"$logs/$name.log" 2>&1 </dev/null
  status=$?
  seconds=$(($(date +%s) - start))
  case $status in
    0) passed=$((passed + 1)); result ok "$name" $seconds "$(grep -v '^SKIPPED' "$logs/$name.log" | tail -1)" ;;
    # Said by common.sh.
    77) skipped=$((skipped + 1)); result SKIPPED "$name" $seconds "" ;;
    124) fails "$name" $seconds "not done in $limit seconds" ;;
    *) fails "$name" $seconds "status $status" ;;
  esac
  # Also what a script that passed has left out.
  grep '^SKIPPED' "$logs/$name.log" | sed 's/^/    /'
}

# Name, programs, seconds after which it has failed (also on a busy machine it takes less), Debian packages.
while read -r name rest; do
  case $chosen in "  " | *" $name "*) run "$name" $rest ;; esac
done <<'SCRIPTS'
pre-commit       debug   600 python3-venv git
ansible          debug   600 python3-venv iproute2
browser          debug   600 chromium
language-server  release 300 neovim
fleet            release 1200 parallel default-jre-headless python3-venv
tarball          release 300
deb              release 900 dpkg-dev lintian
debootstrap      release 1200 dpkg-dev debootstrap buildah
SCRIPTS
result total "" $(($(date +%s) - begin)) "logs are in .build/integration"
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
