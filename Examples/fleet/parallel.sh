#!/bin/sh
# Lints all rulesets below a folder on all processors, and prints a JSON object for each.
# Usage: parallel.sh FOLDER > findings.jsonl
#
# Each ferrule gets a block of names and answers them one after the other: a process for each file would take longer to start than to lint.
set -eu
find "$1" -type f \( -name '*.v4' -o -name '*.v6' -o -name '*.rules' \) -print |
  parallel --pipe --block 64k --line-buffer 'ferrule lint --format jsonl --files-from - || [ $? -lt 3 ]'
