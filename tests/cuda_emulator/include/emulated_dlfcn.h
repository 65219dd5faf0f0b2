// For <dlfcn.h> in files that open CUDA's libraries: here dlopen knows cuBLAS alone, and that is the
// emulator's.
#pragma once

#include <dlfcn.h>

namespace sapnet::cuda_emulator {

void* open_library(const char* name, int flags);
void* find_function(void* library, const char* name);

}  // namespace sapnet::cuda_emulator

#define dlopen ::sapnet::cuda_emulator::open_library
#define dlsym ::sapnet::cuda_emulator::find_function
