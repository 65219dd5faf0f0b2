#!/usr/bin/env bash
# Applies each patch in this folder, which plants a bug, to a copy of the sources and checks that the tests find it.
#   run.sh [PATCH...]   all patches, or these; fails unless each bug is found by every detector that its patch lists
#   run.sh --check      only checks that all patches apply, list their detectors and appear in docs/testing.md
#
# A patch begins with two lines:
#   Bug: what is wrong
#   Found by: DETECTOR[, DETECTOR]... in TEST NAME
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
tree=$root/build/planted_bugs
known_detectors='numerics|guard bands|emulator|ASan|TSan'
declare -A preset_of=([numerics]=asan ["guard bands"]=asan [emulator]=asan [ASan]=asan [TSan]=tsan)

fail() {
  printf 'planted_bugs: %s\n' "$*" >&2
  exit 1
}

# plant PATCH [OPTION...]: applies a patch to the copy; fails if the context does not match (offsets are allowed).
plant() {
  patch --directory "$tree" --strip 1 --force --fuzz 0 --silent --no-backup-if-mismatch "${@:2}" <"$1"
}

# copy_sources ENTRY...: copies files and folders of the root.
copy_sources() {
  local entry
  for entry in "$@"; do
    rm -rf "${tree:?}/$entry"
    cp -r "$root/$entry" "$tree"
  done
}

# read_head PATCH: sets bug, detector_list, detectors (the list as an array) and test.
read_head() {
  local pattern="^Found by: (($known_detectors)(, ($known_detectors))*) in (.+)"
  bug=$(sed -n '1s/^Bug: //p' "$1")
  detector_list=$(sed -nE "2s/$pattern/\1/p" "$1")
  test=$(sed -nE "2s/$pattern/\5/p" "$1")
  [[ -n $bug && -n $detector_list ]] || fail "$1 does not begin with its bug and its detectors"
  mapfile -t detectors < <(sed 's/, /\n/g' <<<"$detector_list")
}

# build PRESET
build() {
  local log=$tree/build-$1.log
  (cd "$tree" && cmake --preset "$1" -DBUILD_TESTING=ON -DSAPNET_TESTS=threads &&
    cmake --build --preset "$1" --target sapnet-tests) >"$log" 2>&1 || fail "the $1 build failed; see $log"
}

# run_test PRESET: prints the test's output as one line, because Catch2 wraps lines.
run_test() {
  local name
  name=$(sed 's/[][,\\]/\\&/g' <<<"$test")  # escapes Catch2's special characters
  (cd "$tree" && OMP_NUM_THREADS=2 TSAN_OPTIONS="ignore_noninstrumented_modules=1 halt_on_error=1" \
    timeout 300 "build/$1/bin/sapnet-tests" --abort --warn NoTests "$name" 2>&1) | tr -s '\n ' ' ' || true
}

# detector_of OUTPUT
detector_of() {
  if [[ $1 == *"ThreadSanitizer: data race"* ]]; then
    echo TSan
  elif [[ $1 == *"ERROR: AddressSanitizer"* ]]; then
    echo ASan
  elif [[ $1 == *@("unexpected exception"|"terminate called")*@("CUDA: "|"out of memory: "|"cannot be captured")* ]]; then
    echo emulator
  elif [[ $1 == *"untouched )"* || $1 == *"intact()"* ]]; then
    echo "guard bands"
  elif [[ $1 == *"worst at ("* || $1 == *"not the same bits again"* ]]; then
    echo numerics
  elif [[ $1 == *"All tests passed"* ]]; then
    echo none
  else
    echo "?"
  fi
}

# try PATCH: prints the patch's row of the table; fails if a listed detector does not find the bug.
try() {
  local start=$SECONDS detector output missed=() bug detectors test
  declare -A detected=()
  read_head "$1"
  plant "$1" || fail "$1 does not apply"
  for detector in "${detectors[@]}"; do
    local preset=${preset_of[$detector]}
    if [[ -z ${detected[$preset]:-} ]]; then
      build "$preset"
      output=$(run_test "$preset")
      detected[$preset]=$(detector_of "$output")
      printf '%s\n' "$output" >"$tree/$(basename "$1" .patch)-$preset.log"
    fi
    [[ ${detected[$preset]} == "$detector" ]] || missed+=("$detector")
  done
  plant "$1" --reverse
  printf '%-30s %-22s %5d s   %s\n' "$(basename "$1" .patch)" "$(printf '%s ' "${detected[@]}")" \
    $((SECONDS - start)) "$test"
  [[ ${#missed[@]} == 0 ]] || printf '  NOT FOUND by %s: %s\n' "${missed[*]}" "$bug"
  [[ ${#missed[@]} == 0 ]]
}

patches=("$here"/*.patch)
if [[ ${1:-} == --check ]]; then
  tree=$(mktemp --directory)
  trap 'rm -r "$tree"' EXIT
  copy_sources engine kernels model
  for patch in "${patches[@]}"; do
    read_head "$patch"
    plant "$patch" --dry-run || fail "$patch does not apply"
    grep -qF "| $bug | $detector_list |" "$root/docs/testing.md" ||
      fail "docs/testing.md does not list $patch"
  done
  exit
fi
[[ $# == 0 ]] || patches=("$@")
mkdir -p "$tree"
copy_sources CMakeLists.txt CMakePresets.json apps bench engine kernels model tests train weights
for preset in asan tsan; do
  build "$preset"
done
missed=0
for patch in "${patches[@]}"; do try "$patch" || missed=$((missed + 1)); done
printf '%d of %d found\n' $((${#patches[@]} - missed)) ${#patches[@]}
[[ $missed == 0 ]]
