#!/bin/sh
# Runs the Ansible module by ansible-core in a network namespace: check mode, diff mode, loading with confirmation, and once more.
# Usage: ansible.sh FOLDER-OF-PROGRAMS
set -eu
bin=$(cd "$1" && pwd)
. "$(dirname "$0")/common.sh"
[ "$(id -u)" = 0 ] || skip "needs root, for a network namespace"
python_with ansible-core || skip "$reason"

printf '*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n' >"$work/rules.v4"
cat >"$work/play.yml" <<PLAY
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - ferrule: {files: ["$work/rules.v4"], confirm: 60s, backend: legacy, executable: "$bin/ferrule"}
      register: load
    - ferrule: {state: confirmed, executable: "$bin/ferrule"}
    - debug: {msg: "changed={{ load.changed }}"}
PLAY
cat >"$work/inside.sh" <<'INSIDE'
set -eu
play() { "$work/venv/bin/ansible-playbook" -i localhost, "$@" "$work/play.yml" >"$work/log" 2>&1 || exit 10; }
loaded() { "$bin/ferrule" save --backend legacy 2>/dev/null | grep -q -- '--dport 22 -j ACCEPT'; }
play --check --diff
grep -q 'changed=True' "$work/log" || exit 11
grep -q -- '+.*--dport 22' "$work/log" || exit 12
! loaded || exit 13
play
grep -q 'changed=True' "$work/log" && loaded || exit 14
"$bin/ferrule" history | grep -q confirmed || exit 15
play
grep -q 'changed=False' "$work/log" && loaded || exit 16
printf 'nonsense\n' >>"$work/rules.v4"
"$work/venv/bin/ansible-playbook" -i localhost, "$work/play.yml" >"$work/log" 2>&1 && exit 17
grep -q 'outside a table\|failed' "$work/log" && loaded || exit 18
INSIDE
export work bin ANSIBLE_LIBRARY="$root/Packaging/ansible/library" ANSIBLE_LOCALHOST_WARNING=false FERRULE_STATE_DIRECTORY="$work/state" \
  HOME="$work" ANSIBLE_PYTHON_INTERPRETER="$work/venv/bin/python" XTABLES_LOCKFILE="$work/lock" LC_ALL=C.UTF-8
unshare -n sh "$work/inside.sh" || fail "step $? is wrong"
echo "ansible: ok"
