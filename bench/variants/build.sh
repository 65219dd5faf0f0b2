#!/usr/bin/env bash
# Builds sapnet-bench once for each variant of this folder, beside programs that are to be carried to a GPU:
#   bench/variants/build.sh [FOLDER]      build/portable/bin unless told otherwise; writes FOLDER/variant-NAME
#   bench/variants/build.sh --check       only whether all patches apply and say what they expect
#
# A variant is a patch of a few lines, a way of doing it that only a measurement can judge. It begins with
#   Variant: what is done otherwise
#   Expected: what it should bring, and why
#   Cases: what `sapnet-bench kernels --filter` is given
# bench/gpu_day.sh times each beside the program without it. One that wins is merged, one that loses is deleted;
# docs/benchmarks.md keeps what either has taught.
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
[ "${1:-}" != --check ] || exit 0
out=${1:-build/portable/bin}
mkdir -p "$tree" "$out"
for patch in bench/variants/*.patch; do
  name=$(basename "$patch" .patch)
  printf '==> %s: %s\n' "$name" "$(sed -n '1s/^Variant: //p' "$patch")"
  for source in "${sources[@]}"; do
    rm -rf "${tree:?}/$source"
    cp -r "$source" "$tree"
  done
  plant "$patch" "$tree"
  cmake --preset portable -S "$tree" -B "$tree/build" -DSAPNET_CUDA=on -DBUILD_TESTING=OFF >"$tree/$name.log"
  cmake --build "$tree/build" --target sapnet-bench >>"$tree/$name.log" 2>&1 || fail "it does not build; see $tree/$name.log"
  strip -o "$out/variant-$name" "$tree/build/bin/sapnet-bench"
done
