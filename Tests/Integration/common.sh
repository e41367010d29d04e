# Read by the scripts of this folder, with `.'.
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
name=$(basename "$0" .sh)

# skip REASON: ends the script. 77 is the status by which run.sh, like automake, knows it.
skip() { echo "SKIPPED $name: $*"; exit 77; }
# fail REASON: ends the script, with the end of the last command's output.
fail() {
  echo "$name: $*" >&2
  [ ! -e "$work/log" ] || tail -20 "$work/log" >&2
  exit 1
}

# python_with PACKAGE: makes a Python environment in $work/venv with a package of PyPI. False if that is not possible in time; the reason is
# then in $reason.
python_with() {
  python3 -m venv "$work/venv" >"$work/log" 2>&1 &&
    timeout 240 "$work/venv/bin/pip" install -q --timeout 15 --retries 1 --disable-pip-version-check "$1" >"$work/log" 2>&1 && return
  status=$?
  reason="$1 cannot be installed: $([ $status = 124 ] && echo "not done in 240 seconds" || tail -1 "$work/log")"
  return 1
}
