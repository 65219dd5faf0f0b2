#!/bin/sh
# Runs a compiler's command and keeps what ptxas says of the kernels (nvcc -Xptxas=-v) beside the object, as
# OBJECT.ptxas, which tests/kernels/kernel_resources_test.cpp reads. Shows what is more than figures.
set -u
option=
for argument; do
  [ "$option" = -o ] && object=$argument
  option=$argument
done
"$@" 2>"$object.ptxas"
status=$?
grep -Ev '^ptxas info +: ([0-9]+ bytes gmem|Compiling|Function|Used|Compile time)|bytes stack frame' \
  "$object.ptxas" >&2
exit $status
