#!/usr/bin/env bash
# Runs all tests and benchmarks that need a GPU, in at most nine minutes; see docs/benchmarks.md.
#
#   bench/gpu_day.sh [PROGRAMS [PHOTOS]]
#
# PROGRAMS is a folder of programs built elsewhere; nothing is built here. Results go to $OUT (default: bench/results)
# as JSON, logs to $OUT/gpu_day (default: build/gpu_day). COMMIT names the built commit where git cannot. ONLY is a
# regular expression that selects steps, such as 'kernels|variant' (default: all). REPEAT is the number of timed runs.
# TRY=1 uses small maps and few images, to test the script itself on the emulator. Exit code 0: all steps passed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2

programs=${1:-build/portable/bin}
photos=${2:-docs/photos}
weights=weights/sapnet.safetensors
repeat=${REPEAT:-20}
only=${ONLY:-.}
python=${PYTHON:-python3}  # with PyTorch, for the comparison
deadline=530  # seconds; stopping a step may take 5 more
logs=${OUT:-build}/gpu_day
commit=${COMMIT:-$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)}
results=${OUT:-bench/results}/$(date -I)_${commit}_gpu.json
export SAPNET_SOURCE_DIR=$PWD SAPNET_REQUIRE_GPU=1 OMP_WAIT_POLICY=passive

# cuDNN and cuBLAS are often installed only as Python packages.
if packages=$("$python" -c 'import nvidia; print(list(nvidia.__path__)[0])' 2>/dev/null); then
  while IFS= read -r library; do
    export LD_LIBRARY_PATH=${library%/*}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  done < <(find "$packages" -name 'libcudnn.so.9' -o -name 'libcublas.so.1[23]')
fi

table=() steps=() measurements=() figures=() faults=0

# note NAME SECONDS OUTCOME: adds a line to the table.
note() {
  local line
  line=$(printf '%5d s  %-40s %s' "$2" "$1" "$3")
  printf '%s\n' "$line"
  table+=("$line")
  steps+=("{\"name\": \"$1\", \"seconds\": $2, \"outcome\": \"$3\"}")
}

skip() {
  [[ $1 =~ $only ]] || return
  faults=$((faults + 1))
  note "$1" 0 "SKIPPED: $2"
}

# step NAME SECONDS COMMAND...: runs a command with a time limit, output in $logs/NAME.out and NAME.err; fails if it does.
step() {
  local name=$1 limit=$2 log=$logs/${1//[ \/]/_} start=$SECONDS status=0
  shift 2
  [[ $name =~ $only ]] || return 1
  if [ $((deadline - SECONDS)) -lt 5 ]; then
    skip "$name" "no time left"
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

# measure NAME SECONDS COMMAND...: a step that prints JSON on stdout and readable lines on stderr.
measure() {
  step "$@" || return
  measurements+=("$(cat "$logs/${1//[ \/]/_}.out")")
  cat "$logs/${1//[ \/]/_}.err"
  [[ $1 != "whole programs" ]] || figures+=("$(cat "$logs/${1//[ \/]/_}.err")")
}

# kernels: all operations and cuDNN, then the same operations in PyTorch.
kernels() {
  local report=$logs/kernels.out json=$logs/kernels.json
  step "kernels" 130 "$programs/sapnet-bench" kernels --device cuda --repeat "$repeat" --seconds 110 "${small[@]}" || return
  cat "$logs/kernels.err"
  if step "kernels in PyTorch" 45 "$python" bench/compare_kernels.py --device cuda --report "$report" --json "$json" \
    --repeat "$repeat" --seconds 40; then
    cat "$logs/kernels_in_PyTorch.out"
    report=$json
  fi
  measurements+=("$(cat "$report")")
}

# compare: networks and training steps compared with PyTorch. Results are written one by one, so they survive a stop.
compare() {
  local json=$logs/compare.json
  step "compare with PyTorch" 190 "$python" bench/compare.py --device cuda --program "$programs/sapnet-bench" --seconds 170 \
    --json "$json"
  [ -s "$json" ] || return
  measurements+=("$(cat "$json")")
  figures+=("$(cat "$logs/compare_with_PyTorch.out")")
}

# variants: each of bench/variants, and the unmodified kernels for comparison.
variants() {
  local patch name cases kernels
  for patch in bench/variants/*.patch; do
    name=$(basename "$patch" .patch) cases=$(sed -n '3s/^Cases: //p' "$patch")
    [[ "variant $name" =~ $only ]] || continue
    if [ ! -x "$programs/variant-$name" ]; then
      skip "variant $name" "bench/variants/build.sh was not run"
      continue
    fi
    kernels=(kernels --device cuda --repeat "$repeat" --filter "$cases" "${small[@]}")
    measure "variant $name" 20 "$programs/variant-$name" "${kernels[@]}"
    measure "variant $name, without it" 20 "$programs/sapnet-bench" "${kernels[@]}"
  done
}

gpu_state() {
  nvidia-smi --format=csv,noheader \
    --query-gpu=name,driver_version,memory.total,clocks.sm,clocks.mem,clocks.max.sm,temperature.gpu,power.draw \
    2>/dev/null || echo "unknown: nvidia-smi failed"
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
    skip compute-sanitizer "not found in PATH, /usr/local/cuda or the programs' folder"
    return
  fi
  for tool in memcheck racecheck synccheck; do
    local check=("$program" --tool "$tool" --error-exitcode 9)
    step "$tool conformance" 60 "${check[@]}" "$programs/sapnet-tests" --warn NoTests '[conformance]'
    for precision in fp32 fp16; do
      # Wider than a strip of the kernels, and not a multiple of any block size.
      step "$tool network $precision" 60 "${check[@]}" "$programs/sapnet-bench" network --device cuda \
        --precision "$precision" --weights "$weights" --size 75x41 --repeat 1
    done
  done
}

compare_photos() {
  local infer=("$programs/sapnet-infer" "$photos" --weights "$weights" --format png)
  step "photos cpu" 60 "${infer[@]}" --device cpu -o "$logs/photos_cpu"
  step "photos cuda" 60 "${infer[@]}" --device cuda -o "$logs/photos_cuda" --reference "$logs/photos_cpu"
  # fp16 has an rms error of at most 2e-4 in the tests, a twentieth of 1/255. So one value in twenty may round to
  # the neighbouring byte: 10 lg(255² · 20) = 61 dB.
  [[ "photos agree" =~ $only ]] || return
  # shellcheck disable=SC2016  # awk's own variables
  step "photos agree" 10 awk 'NR > 2 { ++rows; if ($(NF - 7) != "inf" && !($(NF - 7) > 60)) { ++far; print } }
    END { exit rows == 0 || far > 0 }' "$logs/photos_cuda.out"
}

json_list() {
  local IFS=,
  printf '[%s]' "$*"
}

rm -rf "$logs"
mkdir -p "$logs" "${results%/*}" || exit 2
if [ ! -x "$programs/sapnet-tests" ]; then
  printf 'gpu_day: %s has no sapnet-tests; see docs/benchmarks.md for how to build it\n' "$programs" >&2
  exit 2
fi
if ! reason=$("$programs/sapnet-infer" tests/train/image/images/one_pixel.png -o "$logs/one_pixel.png" --weights "$weights" \
  --device cuda 2>&1); then
  printf 'gpu_day: cannot run here: %s\n' "${reason#sapnet-infer: error: }" >&2
  exit 1
fi
gpu=$(gpu_state)
printf 'GPU: %s\nCommit: %s\n' "$gpu" "$commit"

small=() whole=()
if [ "${TRY:-0}" = 1 ]; then
  small=(--small)
  whole=(--images 1 --frames 1 --frame-size 16x12 --steps 1 --patch 12)
fi
step "conformance tests" 60 "$programs/sapnet-tests" --warn NoTests '[conformance]'
step "other tests on the GPU" 120 "$programs/sapnet-tests" --warn NoTests '[gpu]~[conformance]'
compare_photos
kernels
compare
for precision in fp32 fp16; do
  step "training $precision" 60 "$programs/sapnet-train" --config train/configs/quick.json --device cuda \
    --precision "$precision" --out "$logs/run_$precision" --set epochs="${EPOCHS:-20}"
done
measure "whole programs" 60 "$python" bench/whole_program.py --programs "$programs" --device cuda "${whole[@]}"
variants
gpu_after=$(gpu_state)
run_sanitizer
step "tests on the CPU" 180 "$programs/sapnet-tests" --warn NoTests '~[gpu]'

printf '{"date": "%s", "commit": "%s", "gpu": "%s", "gpu_after_benchmarks": "%s",\n"steps": %s,\n"measurements": %s}\n' \
  "$(date -I)" "$commit" "$gpu" "$gpu_after" "$(json_list "${steps[@]}")" \
  "$(json_list ${measurements[@]+"${measurements[@]}"})" >"$results"

printf '\nSummary, %d s\nGPU: %s\n' "$SECONDS" "$gpu_after"
printf '%s\n' "${table[@]}" ${figures[@]+"${figures[@]}"}
printf 'Results: %s\n' "$results"
printf '%d of %d steps passed\n' $((${#steps[@]} - faults)) ${#steps[@]}
[ "$faults" = 0 ]
