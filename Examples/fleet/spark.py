"""Lints rulesets on a Spark cluster, and counts the findings by check.

Usage: spark-submit spark.py FOLDER [OUTPUT-FOLDER]

Every worker has `ferrule` in its PATH and sees the folder. Spark gives each partition's names to one ferrule, which answers line by line.
"""
import json
import os
import sys

from pyspark.sql import SparkSession

folder, output = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
names = [os.path.join(place, name) for place, _, files in os.walk(folder) for name in files if name.endswith((".v4", ".v6", ".rules"))]

spark = SparkSession.builder.appName("ferrule").getOrCreate()
# A pipe has no environment but the one it is given. The exit status of ferrule tells of findings; each line has its own, so the shell ends with 0.
command = "sh -c 'ferrule lint --format jsonl --files-from - 2>/dev/null; [ $? -lt 3 ]'"
lines = spark.sparkContext.parallelize(names, max(2, spark.sparkContext.defaultParallelism * 2)).pipe(command, {"PATH": os.environ["PATH"]}, checkCode=True).cache()
results = lines.map(json.loads)
if output:
    lines.saveAsTextFile(output)
codes = results.flatMap(lambda line: [d.get("code") or d["id"] for d in line.get("result", {}).get("diagnostics", [])]).countByValue()
print(json.dumps({"files": results.count(), "unreadable": results.filter(lambda line: "error" in line).count(), "findings": dict(sorted(codes.items()))}))
spark.stop()
