#!/bin/sh
# Runs every experiment that stands for a system of the field, one after the other, and says at the end which
# met what its file expects. What is finished is kept: the same command goes on where it was stopped.
#
#   Experiments/all-systems.sh [--results DIR] [other options of `dragoman run`]
#
# DRAGOMAN names the program (default: .build/release/dragoman). Experiments on real models and photographs
# run where DRAGOMAN_MODELS and DRAGOMAN_DATA are set.
set -u

experiments=$(cd "$(dirname "$0")" && pwd)
program=${DRAGOMAN:-"$experiments/../.build/release/dragoman"}
[ -x "$program" ] || {
  echo "$0: there is no program $program; build it with 'swift build -c release', or set DRAGOMAN" >&2
  exit 1
}

drawn="s1-colors s1-resolutions s1-cross-attention s1-two-images
  s2-two-stages s2-skip-stage-1 s2-dialogue
  s5-positions s5-contrast s5-resampler s5-vlm s5-fine-detail-count s5-fine-detail-glyphs"
real="coco-80"
if [ -n "${DRAGOMAN_MODELS:-}" ] && [ -n "${DRAGOMAN_DATA:-}" ]; then
  names="$drawn $real"
else
  names=$drawn
  echo "DRAGOMAN_MODELS and DRAGOMAN_DATA are not set: left out: $real" >&2
fi

summary=""
status=0
for name in $names; do
  "$program" run "$experiments/$name.yaml" "$@"
  code=$?
  case $code in
    0) verdict="as expected" ;;
    75 | 130 | 143)
      echo "$0: stopped in $name; the same command goes on" >&2
      exit $code
      ;;
    *)
      verdict="missed or failed (exit $code)"
      status=1
      ;;
  esac
  summary="$summary$name: $verdict
"
done
printf '\n%s' "$summary"
exit $status
