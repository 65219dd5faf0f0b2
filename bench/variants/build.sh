#!/usr/bin/env bash
# Builds sapnet-bench for each variant in this folder, to be run on a GPU machine:
#   bench/variants/build.sh FOLDER [CMAKE_OPTION...]   writes FOLDER/variant-NAME
#   bench/variants/build.sh --check                    checks that all patches apply and have the header below
#
# A variant is a small patch whose benefit must be measured. It starts with
#   Variant: what it changes
#   Expected: the expected effect, and why
#   Cases: the argument of `sapnet-bench kernels --filter`
# bench/gpu_day.py times each variant and the unmodified program. Faster variants are then merged and the others deleted;
# docs/benchmarks.md records the results.
set -euo pipefail
cd "$(dirname "$0")/../.."
tree=build/variants
sources=(CMakeLists.txt CMakePresets.json apps bench engine kernels model tests train weights)

fail() {
  printf 'variants: %s\n' "$*" >&2
  exit 1
}

# plant PATCH FOLDER [OPTION...]: fails unless each line is where the patch expects it.
plant() {
  patch --directory "$2" --strip 1 --force --fuzz 0 --silent --no-backup-if-mismatch "${@:3}" <"$1" ||
    fail "$1 does not apply any more"
}

check() {
  local patch head
  for patch in bench/variants/*.patch; do
    head=$(head -n 3 "$patch" | cut -d: -f1 | paste -sd' ')
    [ "$head" = "Variant Expected Cases" ] || fail "$patch does not begin with Variant, Expected and Cases"
    plant "$patch" . --dry-run
  done
}

check
[ $# -gt 0 ] || fail "usage: bench/variants/build.sh FOLDER [CMAKE_OPTION...], or --check"
[ "$1" != --check ] || exit 0
out=$1
mkdir -p "$tree" "$out"
for patch in bench/variants/*.patch; do
  name=$(basename "$patch" .patch)
  printf '==> %s: %s\n' "$name" "$(sed -n '1s/^Variant: //p' "$patch")"
  for source in "${sources[@]}"; do
    rm -rf "${tree:?}/$source"
    cp -r "$source" "$tree"
  done
  plant "$patch" "$tree"
  cmake --preset portable -S "$tree" "${@:2}" -DSAPNET_CUDA=on -DBUILD_TESTING=OFF >"$tree/$name.log"
  cmake --build "$tree/build/portable" --target sapnet-bench >>"$tree/$name.log" 2>&1 || 
    fail "$patch does not build; see $tree/$name.log"
  strip -o "$out/variant-$name" "$tree/build/portable/bin/sapnet-bench"
done
