#!/bin/sh
# Opens the pages of `explore', `serve', `exposure' and `audit' in Chromium. The screenshots stay in .build/screenshots.
# Usage: browser.sh FOLDER-OF-PROGRAMS
set -eu
bin=$(cd "$1" && pwd)
. "$(dirname "$0")/common.sh"
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || skip "there is no chromium"
python3 "$root/Tests/Integration/browser.py" "$bin/ferrule" "$root/.build/screenshots"
