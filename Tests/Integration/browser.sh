#!/bin/sh
# Opens the pages of `explore', `serve', `exposure' and `audit' in Chromium. The screenshots stay in .build/screenshots.
# Usage: browser.sh FOLDER-OF-PROGRAMS
set -eu
bin=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || {
  echo "SKIPPED browser: there is no chromium"; exit 0; }
timeout 300 python3 "$here/browser.py" "$bin/ferrule" "$here/../../.build/screenshots"
