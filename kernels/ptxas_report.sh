#!/bin/sh
# Runs a compiler command and stores the ptxas report (nvcc -Xptxas=-v) as OBJECT.ptxas, for
# tests/kernels/kernel_resources_test.cpp. Prints only warnings and errors.
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
