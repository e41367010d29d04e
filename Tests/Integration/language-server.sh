#!/bin/sh
# Uses `ferrule lsp' from Neovim, and measures a keystroke in a ruleset of 10,000 rules.
# Usage: language-server.sh FOLDER-OF-PROGRAMS
set -eu
bin=$(cd "$1" && pwd)
. "$(dirname "$0")/common.sh"
here="$root/Tests/Integration"
PATH="$bin:$PATH"
export PATH

python3 "$here/language-server-keystrokes.py" "$bin/ferrule" 10000 50

command -v nvim >/dev/null || { echo "SKIPPED neovim: not installed"; exit; }
cp "$root/Examples/router-mistakes/ruleset.rules" "$work/rules.v4"
export FERRULE_FILE="$work/rules.v4" HOME="$work" XDG_STATE_HOME="$work" XDG_CACHE_HOME="$work"
timeout 60 nvim --headless -u NONE -n -c "luafile $here/language-server.lua" >"$work/log" 2>&1 || fail "neovim ended"
echo "language-server: ok"
