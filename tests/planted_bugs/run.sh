#!/usr/bin/env bash
# Plants each bug of this folder into a copy of the sources and sees whether the tests find it.
#   run.sh [PATCH...]   all bugs, or these; fails unless each is found by those that its patch names
#   run.sh --check      only whether all patches apply, name their finders and stand in docs/testing.md
#
# A patch begins with two lines:
#   Bug: what is wrong
#   Found by: FINDER[, FINDER]... in NAME OF THE TEST
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
tree=$root/build/planted_bugs
finders='numerics|guard bands|emulator|ASan|TSan'
declare -A preset_of=([numerics]=asan ["guard bands"]=asan [emulator]=asan [ASan]=asan [TSan]=tsan)

fail() {
  printf 'planted_bugs: %s\n' "$*" >&2
  exit 1
}

# plant PATCH [OPTION...]: into the copy; fails unless each line is where the patch expects it, give or take.
plant() {
  patch --directory "$tree" --strip 1 --force --fuzz 0 --silent --no-backup-if-mismatch "${@:2}" <"$1"
}

# copy_sources ENTRY...: of the root.
copy_sources() {
  local entry
  for entry in "$@"; do
    rm -rf "${tree:?}/$entry"
    cp -r "$root/$entry" "$tree"
  done
}

# read_head PATCH: sets bug, finders_named, found_by (those as an array) and test.
read_head() {
  local pattern="^Found by: (($finders)(, ($finders))*) in (.+)"
  bug=$(sed -n '1s/^Bug: //p' "$1")
  finders_named=$(sed -nE "2s/$pattern/\1/p" "$1")
  test=$(sed -nE "2s/$pattern/\5/p" "$1")
  [[ -n $bug && -n $finders_named ]] || fail "$1 does not begin with its bug and its finders"
  mapfile -t found_by < <(sed 's/, /\n/g' <<<"$finders_named")
}

# build PRESET
build() {
  local log=$tree/build-$1.log
  (cd "$tree" && cmake --preset "$1" -DBUILD_TESTING=ON -DSAPNET_TESTS=threads &&
    cmake --build --preset "$1" --target sapnet-tests) >"$log" 2>&1 || fail "the $1 build failed; see $log"
}

# run_test PRESET: what the test says, as one line, for Catch wraps its own.
run_test() {
  local name
  name=$(sed 's/[][,\\]/\\&/g' <<<"$test")  # as Catch wants a name with signs of its own
  (cd "$tree" && OMP_NUM_THREADS=2 TSAN_OPTIONS="ignore_noninstrumented_modules=1 halt_on_error=1" \
    timeout 300 "build/$1/bin/sapnet-tests" --abort --warn NoTests "$name" 2>&1) | tr -s '\n ' ' ' || true
}

# finder_of OUTPUT
finder_of() {
  if [[ $1 == *"ThreadSanitizer: data race"* ]]; then
    echo TSan
  elif [[ $1 == *"ERROR: AddressSanitizer"* ]]; then
    echo ASan
  elif [[ $1 == *"unexpected exception"*"CUDA: "* ]]; then
    echo emulator
  elif [[ $1 == *"untouched )"* || $1 == *"->intact()"* ]]; then
    echo "guard bands"
  elif [[ $1 == *"worst at ("* || $1 == *"not the same bits again"* ]]; then
    echo numerics
  elif [[ $1 == *"All tests passed"* ]]; then
    echo nobody
  else
    echo "?"
  fi
}

# try PATCH: prints its row of the table; fails when somebody that it names finds nothing.
try() {
  local start=$SECONDS finder said missed=() bug found_by test
  declare -A saw=()
  read_head "$1"
  plant "$1" || fail "$1 does not apply"
  for finder in "${found_by[@]}"; do
    local preset=${preset_of[$finder]}
    if [[ -z ${saw[$preset]:-} ]]; then
      build "$preset"
      said=$(run_test "$preset")
      saw[$preset]=$(finder_of "$said")
      printf '%s\n' "$said" >"$tree/$(basename "$1" .patch)-$preset.log"
    fi
    [[ ${saw[$preset]} == "$finder" ]] || missed+=("$finder")
  done
  plant "$1" --reverse
  printf '%-30s %-22s %5d s   %s\n' "$(basename "$1" .patch)" "$(printf '%s ' "${saw[@]}")" $((SECONDS - start)) "$test"
  [[ ${#missed[@]} == 0 ]] || printf '  NOT FOUND by %s: %s\n' "${missed[*]}" "$bug"
  [[ ${#missed[@]} == 0 ]]
}

patches=("$here"/*.patch)
if [[ ${1:-} == --check ]]; then
  tree=$(mktemp --directory)
  trap 'rm -r "$tree"' EXIT
  copy_sources kernels
  for patch in "${patches[@]}"; do
    read_head "$patch"
    plant "$patch" --dry-run || fail "$patch does not apply"
    grep -qF "| $bug | $finders_named |" "$root/docs/testing.md" ||
      fail "docs/testing.md does not list $patch"
  done
  exit
fi
[[ $# == 0 ]] || patches=("$@")
mkdir -p "$tree"
copy_sources CMakeLists.txt CMakePresets.json apps bench engine files kernels model tests train weights
for preset in asan tsan; do
  build "$preset"
done
missed=0
for patch in "${patches[@]}"; do try "$patch" || missed=$((missed + 1)); done
printf '%d of %d found\n' $((${#patches[@]} - missed)) ${#patches[@]}
[[ $missed == 0 ]]
