// Replaces <dlfcn.h> in files that load CUDA libraries: here dlopen knows only cuBLAS, and returns the
// emulated one.
#pragma once

#include <dlfcn.h>

namespace sapnet::cuda_emulator {

void* open_library(const char* name, int flags);
void* find_function(void* library, const char* name);

}  // namespace sapnet::cuda_emulator

#define dlopen ::sapnet::cuda_emulator::open_library
#define dlsym ::sapnet::cuda_emulator::find_function
