#!/bin/sh
# Runs the recipes of Examples/fleet on 10,000 rulesets: GNU parallel, and Spark's pipe in local mode.
# Usage: fleet.sh FOLDER-OF-PROGRAMS
set -eu
bin=$(cd "$1" && pwd)
. "$(dirname "$0")/common.sh"
count=10000
PATH="$bin:$PATH"
export PATH

# Every seventh ruleset has a mistake, every hundredth is cut off.
python3 - "$work/hosts" "$count" <<'PYTHON'
import os, sys
folder, count = sys.argv[1], int(sys.argv[2])
for i in range(count):
    place = f"{folder}/{i // 100:03}/host{i:05}"
    os.makedirs(place)
    lines = ["*filter", ":INPUT DROP [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]", "-A INPUT -i lo -j ACCEPT",
             "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"]
    lines += [f"-A INPUT -s 10.{i % 250}.{j}.0/24 -p tcp -m tcp --dport {1000 + j} -j ACCEPT" for j in range(8)]
    if i % 7 == 0:
        lines.append("-A INPUT -s 192.0.2.9/24 -j ACCEPT")
    with open(f"{place}/rules.v4", "w") as file:
        file.write("" if i % 100 == 50 else "\n".join(lines + ["COMMIT", ""]))
PYTHON
wanted=$(python3 -c "print(sum(1 for i in range($count) if i % 7 == 0 and i % 100 != 50))")

# seconds COMMAND…: runs it and prints how long it took.
seconds() { start=$(date +%s.%N); "$@" || return; awk "BEGIN { printf \"%.1f\", $(date +%s.%N) - $start }" >"$work/seconds"; }
check() {
  python3 - "$1" "$count" "$wanted" <<'PYTHON' || fail "$2 answered something else"
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert len(lines) == int(sys.argv[2]), len(lines)
assert len({line["files"][0] for line in lines}) == len(lines)
assert sum(any(d.get("code") == "FE014" for d in line.get("result", {}).get("diagnostics", [])) for line in lines) == int(sys.argv[3])
assert sum("error" in line and line["exit"] == 2 for line in lines) == int(sys.argv[2]) // 100
PYTHON
  echo "fleet: $2: $count rulesets in $(cat "$work/seconds") s"
}

if command -v parallel >/dev/null && parallel --version 2>/dev/null | grep -q GNU; then
  seconds sh "$root/Examples/fleet/parallel.sh" "$work/hosts" >"$work/parallel.jsonl" 2>"$work/log"
  check "$work/parallel.jsonl" "GNU parallel"
else
  echo "SKIPPED GNU parallel: not installed"
fi

command -v java >/dev/null || { echo "SKIPPED Spark: there is no java"; exit; }
python_with pyspark || { echo "SKIPPED Spark: $reason"; exit; }
spark() {
  SPARK_LOCAL_IP=127.0.0.1 PYSPARK_PYTHON="$work/venv/bin/python" "$work/venv/bin/spark-submit" --master 'local[2]' \
    "$root/Examples/fleet/spark.py" "$work/hosts" "$work/spark" >"$work/counts" 2>"$work/log"
}
seconds spark || fail "Spark ended"
cat "$work"/spark/part-* >"$work/spark.jsonl"
check "$work/spark.jsonl" "Spark, with its start"
grep -q "\"FE014\": $wanted" "$work/counts" || fail "Spark counted $(cat "$work/counts")"
