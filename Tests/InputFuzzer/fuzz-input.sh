#!/bin/sh
# Coverage-guided fuzzing of everything that reads what strangers wrote.
#   fuzz-input.sh SECONDS [ENTRY…]   SECONDS for all entries together; without a name all that there are
# Inputs that cover code which no kept one covers are collected in .build-fuzz/inputs; PACK=1 makes them, minimised, the kept ones.
set -u
cd "$(dirname "$0")/../.." || exit 2
seconds=${1:?how many seconds?}
shift
runtime=$(${SWIFT:-swift}c -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')
FERRULE_LIBFUZZER=$runtime/clang/lib/linux/libclang_rt.fuzzer_no_main-$(uname -m).a
export FERRULE_LIBFUZZER SWIFT_BACKTRACE=enable=no
[ -e "$FERRULE_LIBFUZZER" ] || { echo "libFuzzer is not there: $FERRULE_LIBFUZZER" >&2; exit 2; }
build="build -c release --scratch-path .build-fuzz --product InputFuzzer"
${SWIFT:-swift} $build || exit 2
program=$(${SWIFT:-swift} $build --show-bin-path)/InputFuzzer
[ $# -gt 0 ] || set -- $("$program" entries)
share=$((seconds / $#))
[ $share -gt 0 ] || share=1
failed=0
for entry; do
  found=.build-fuzz/inputs/$entry
  crashes=.build-fuzz/crashes/$entry-
  mkdir -p "$found" .build-fuzz/crashes .build-fuzz/kept
  rm -rf ".build-fuzz/kept/$entry"
  "$program" unpack --entry "$entry" ".build-fuzz/kept/$entry" || exit 2
  log=.build-fuzz/$entry.log
  FERRULE_ENTRY=$entry "$program" -max_total_time=$share -rss_limit_mb=256 -timeout=2 -max_len=65536 -close_fd_mask=3 -print_final_stats=1 \
    -verbosity=1 -artifact_prefix="$crashes" "$found" ".build-fuzz/kept/$entry" >"$log" 2>&1
  status=$?
  summary=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  covered=$(sed -n 's/^#.* cov: \([0-9]*\).*/\1/p' "$log" | tail -1)
  echo "$entry: ${summary:-?} inputs in at most $share s, ${covered:-?} edges covered"
  if [ $status -ne 0 ]; then
    failed=1
    grep -E 'ERROR|SUMMARY|Test unit written' "$log"
    file=$(sed -n 's/.*Test unit written to //p' "$log" | tail -1)
    echo "  again: InputFuzzer read --entry $entry $file"
  fi
  if [ "${PACK:-}" = 1 ]; then
    rm -rf ".build-fuzz/merged/$entry"
    mkdir -p ".build-fuzz/merged/$entry"
    FERRULE_ENTRY=$entry "$program" -merge=1 -rss_limit_mb=512 -timeout=4 -max_len=4096 -close_fd_mask=3 ".build-fuzz/merged/$entry" \
      ".build-fuzz/kept/$entry" "$found" >"$log.merge" 2>&1
    "$program" pack --entry "$entry" ".build-fuzz/merged/$entry" "${SIZE:-24000}"
  fi
done
exit $failed
