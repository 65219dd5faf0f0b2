#!/usr/bin/env bash
# Everything worth doing on a machine with a GPU, in nine minutes at most; docs/benchmarks.md says more.
#
#   bench/gpu_day.sh [PROGRAMS [PHOTOS [WIDTHxHEIGHT...]]]
#
# PROGRAMS is a folder of programs built elsewhere, for nothing is built here. The figures go to $OUT, or
# bench/results, as JSON, and logs to $OUT/gpu_day, or build/gpu_day. COMMIT names what was built where git
# cannot; REPEAT is how often benchmarks repeat. The exit code is 0 if everything was done and went well.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2

programs=${1:-build/portable/bin}
photos=${2:-docs/photos}
sizes=("${@:3}")
[ ${#sizes[@]} -gt 0 ] || sizes=(481x321 1280x720 1920x1080 3840x2160)
weights=weights/sapnet.safetensors
repeat=${REPEAT:-20}
deadline=530  # seconds; a step that is stopped may take 5 more
logs=${OUT:-build}/gpu_day
commit=${COMMIT:-$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)}
results=${OUT:-bench/results}/$(date -I)_${commit}_gpu.json
export SAPNET_SOURCE_DIR=$PWD SAPNET_REQUIRE_GPU=1 OMP_WAIT_POLICY=passive

table=() steps=() measurements=() networks=() faults=0

# note NAME SECONDS OUTCOME: a line of the table.
note() {
  local line
  line=$(printf '%5d s  %-40s %s' "$2" "$1" "$3")
  printf '%s\n' "$line"
  table+=("$line")
  steps+=("{\"name\": \"$1\", \"seconds\": $2, \"outcome\": \"$3\"}")
}

left_out() {
  faults=$((faults + 1))
  note "$1" 0 "LEFT OUT: $2"
}

# step NAME SECONDS COMMAND...: runs it, so long at most, into $logs/NAME.out and NAME.err; false if it failed.
step() {
  local name=$1 limit=$2 log=$logs/${1//[ \/]/_} start=$SECONDS status=0
  shift 2
  if [ $((deadline - SECONDS)) -lt 5 ]; then
    left_out "$name" "the time is up"
    return 1
  fi
  [ "$limit" -le $((deadline - SECONDS)) ] || limit=$((deadline - SECONDS))
  timeout --kill-after=5 "$limit" "$@" >"$log.out" 2>"$log.err" || status=$?
  case $status in
    0) note "$name" $((SECONDS - start)) passed && return ;;
    124 | 137) note "$name" $((SECONDS - start)) "STOPPED: took longer than $limit s" ;;
    *) note "$name" $((SECONDS - start)) "FAILED: exit code $status, see $log.out and .err" ;;
  esac
  faults=$((faults + 1))
  tail -q -n 15 "$log.out" "$log.err" | sed 's/^/    | /'
  return 1
}

# measure NAME SECONDS COMMAND...: a step that prints JSON, and lines for people on stderr.
measure() {
  step "$@" || return
  measurements+=("$(cat "$logs/${1//[ \/]/_}.out")")
  cat "$logs/${1//[ \/]/_}.err"
  [[ $1 != network* ]] || networks+=("$(cat "$logs/${1//[ \/]/_}.err")")
}

gpu_state() {
  nvidia-smi --format=csv,noheader \
    --query-gpu=name,driver_version,memory.total,clocks.sm,clocks.mem,clocks.max.sm,temperature.gpu,power.draw \
    2>/dev/null || echo "not known: nvidia-smi does not answer"
}

sanitizer() {
  local candidate
  for candidate in "$programs/compute-sanitizer/compute-sanitizer" "$(command -v compute-sanitizer)" \
    /usr/local/cuda/bin/compute-sanitizer; do
    if [ -x "$candidate" ]; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  return 1
}

run_sanitizer() {
  local tool precision program
  if ! program=$(sanitizer); then
    left_out compute-sanitizer "it is neither in PATH nor in /usr/local/cuda nor with the programs"
    return
  fi
  for tool in memcheck racecheck synccheck; do
    local check=("$program" --tool "$tool" --error-exitcode 9)
    step "$tool conformance" 60 "${check[@]}" "$programs/sapnet-tests" --warn NoTests '[conformance]'
    for precision in fp32 fp16; do
      # Wider than a strip of the kernels, and no multiple of anything.
      step "$tool network $precision" 60 "${check[@]}" "$programs/sapnet-bench" network --device cuda \
        --precision "$precision" --weights "$weights" --size 75x41 --repeat 1
    done
  done
}

compare_photos() {
  local infer=("$programs/sapnet-infer" "$photos" --weights "$weights" --format png)
  step "photos cpu" 60 "${infer[@]}" --device cpu -o "$logs/photos_cpu"
  step "photos cuda" 60 "${infer[@]}" --device cuda -o "$logs/photos_cuda" --reference "$logs/photos_cpu"
  # fp16 strays by 2e-4 at most in the tests' rms, a twentieth of a byte's step: so one value in twenty may be
  # rounded the other way, by one step: 10 lg(255² · 20) = 61 dB.
  # shellcheck disable=SC2016  # awk's own variables
  step "photos alike" 10 awk 'NR > 2 { ++rows; if ($(NF - 7) != "inf" && !($(NF - 7) > 60)) { ++far; print } }
    END { exit rows == 0 || far > 0 }' "$logs/photos_cuda.out"
}

json_list() {
  local IFS=,
  printf '[%s]' "$*"
}

rm -rf "$logs"
mkdir -p "$logs" "${results%/*}" || exit 2
if [ ! -x "$programs/sapnet-tests" ]; then
  printf 'gpu_day: %s has no sapnet-tests; docs/benchmarks.md says how to build it\n' "$programs" >&2
  exit 2
fi
if ! reason=$("$programs/sapnet-infer" tests/train/pictures/one_pixel.png -o "$logs/one_pixel.png" --weights "$weights" \
  --device cuda 2>&1); then
  printf 'gpu_day: nothing to measure here: %s\n' "${reason#sapnet-infer: error: }" >&2
  exit 1
fi
gpu=$(gpu_state)
printf 'GPU: %s\nCommit: %s\n' "$gpu" "$commit"

step "conformance tests" 60 "$programs/sapnet-tests" --warn NoTests '[conformance]'
step "other tests on the GPU" 120 "$programs/sapnet-tests" --warn NoTests '[gpu]~[conformance]'
compare_photos
for size in "${sizes[@]}"; do
  for precision in fp32 fp16; do
    measure "network $size $precision" 60 "$programs/sapnet-bench" network --device cuda --precision "$precision" \
      --weights "$weights" --size "$size" --repeat "$repeat"
  done
  measure "kernels $size" 90 "$programs/sapnet-bench" kernels --device cuda --size "$size" --repeat "$repeat"
done
for precision in fp32 fp16; do
  measure "network step $precision" 60 "$programs/sapnet-bench" step --device cuda --precision "$precision" \
    --weights "$weights" --batch "${STEP_BATCH:-12}" --patch "${STEP_PATCH:-100}" --repeat "$repeat"
  step "training $precision" 60 "$programs/sapnet-train" --config train/configs/quick.json --device cuda \
    --precision "$precision" --out "$logs/run_$precision" --set epochs="${EPOCHS:-20}"
done
gpu_after=$(gpu_state)
run_sanitizer
step "tests on the CPU" 180 "$programs/sapnet-tests" --warn NoTests '~[gpu]'

printf '{"date": "%s", "commit": "%s", "gpu": "%s", "gpu_after_benchmarks": "%s",\n"steps": %s,\n"measurements": %s}\n' \
  "$(date -I)" "$commit" "$gpu" "$gpu_after" "$(json_list "${steps[@]}")" \
  "$(json_list ${measurements[@]+"${measurements[@]}"})" >"$results"

printf '\nSummary, %d s\nGPU: %s\n' "$SECONDS" "$gpu_after"
printf '%s\n' "${table[@]}" ${networks[@]+"${networks[@]}"}
printf 'Figures: %s\n' "$results"
printf '%d of %d steps passed\n' $((${#steps[@]} - faults)) ${#steps[@]}
[ "$faults" = 0 ]
