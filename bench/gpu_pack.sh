#!/usr/bin/env bash
# Builds and packs everything that bench/gpu_day.py runs on a GPU machine:
#   bench/gpu_pack.sh FILE.tar.xz
#
# The pack has the sources (tests read them), the programs and variants for sm_90a, the libraries that they need, one
# image derained on the CPU and, if the toolkit has it, compute-sanitizer. The build machine needs the CUDA toolkit and
# cuDNN's headers.
set -euo pipefail

fail() {
  printf 'gpu_pack: %s\n' "$*" >&2
  exit 1
}

[[ $# == 1 && $1 == *.tar.xz ]] || fail "usage: bench/gpu_pack.sh FILE.tar.xz"
file=$(realpath -m "$1")
cd "$(dirname "$0")/.."
build=build/gpu_pack
pack=$build/sapnet-gpu
max_mib=40

cmake --preset portable -B "$build" -DSAPNET_CUDA=on -DCMAKE_CUDA_ARCHITECTURES=90a-real
grep -q '^CUDNN_INCLUDE_DIR:PATH=/' "$build/CMakeCache.txt" || fail "cuDNN's headers are missing"
cmake --build "$build" --target all sapnet-bench
rm -f "$build"/bin/variant-*
bench/variants/build.sh "$build/bin" -DCMAKE_CUDA_ARCHITECTURES=90a-real

rm -rf "$pack"
mkdir -p "$pack/bin" "$pack/inputs" "$(dirname "$file")"
git ls-files -z | xargs -0 cp --parents -t "$pack"
git describe --always --abbrev=12 --dirty=-modified --exclude='*' >"$pack/COMMIT"
cp -r "$build/bin/lib" "$pack/bin"
for program in "$build"/bin/sapnet-* "$build"/bin/variant-*; do
  strip -o "$pack/bin/${program##*/}" "$program"
done
"$pack/bin/sapnet-rain" docs/photos/chelsea.png -o "$pack/inputs/rainy.png"
"$pack/bin/sapnet-infer" "$pack/inputs/rainy.png" --weights weights/sapnet.safetensors --device cpu \
  -o "$pack/inputs/derained_on_cpu.png"
sanitizer=/usr/local/cuda/compute-sanitizer
if [ -x "$sanitizer/compute-sanitizer" ]; then
  cp -r "$sanitizer" "$pack"
  rm -rf "$pack"/compute-sanitizer/{docs,include,x86}
fi

tar -C "${pack%/*}" -c "${pack##*/}" | xz -T2 -6 >"$file"
size=$(stat -c %s "$file")
printf '%s: %s bytes, %d MiB\n' "$file" "$size" $((size / 1024 / 1024))
[ "$size" -le $((max_mib * 1024 * 1024)) ] || fail "more than $max_mib MiB"
name=${file##*/}
printf 'On the GPU machine:\n'
printf '  tar xf %s && python3 %s/bench/gpu_day.py check\n' "$name" "${pack##*/}"
printf '  python3 %s/bench/gpu_day.py measure\n' "${pack##*/}"
