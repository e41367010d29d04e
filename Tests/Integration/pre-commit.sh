#!/bin/sh
# Runs the hooks of .pre-commit-hooks.yaml by pre-commit in a repository made for it.
# Usage: pre-commit.sh FOLDER-OF-PROGRAMS
set -eu
bin=$(cd "$1" && pwd)
. "$(dirname "$0")/common.sh"
python_with pre-commit || skip "$reason"
PATH="$bin:$work/venv/bin:$PATH"
export PATH PRE_COMMIT_HOME="$work/home" GIT_CONFIG_GLOBAL=/dev/null
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@localhost GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@localhost

# A repository with only the hooks, so that no copy of this one is made.
mkdir "$work/hooks" "$work/firewall"
cp "$root/.pre-commit-hooks.yaml" "$work/hooks"
(cd "$work/hooks" && git init -q && git add -A && git commit -qm hooks && git tag v1)
cd "$work/firewall"
git init -q
printf 'repos:\n  - repo: %s\n    rev: v1\n    hooks: [{id: ferrule-lint}, {id: ferrule-fmt}, {id: ferrule-test}]\n' "$work/hooks" >.pre-commit-config.yaml
cp "$root"/Examples/web-server/* .
git add -A
pre-commit run --all-files >"$work/log" 2>&1 || fail "a sound repository is refused"

printf '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 10.0.0.9/8 -j nowhere\nCOMMIT\n' >rules.v4
git add -A
! pre-commit run --all-files >"$work/log" 2>&1 || fail "a ruleset with an error is accepted"
grep -q 'rules.v4:3:' "$work/log" || fail "the place of the error is not printed"
echo "pre-commit: ok"
