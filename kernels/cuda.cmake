# Finds nvcc and chooses the GPUs that it compiles for, by SAPNET_CUDA:
#   on     sm_80 (A100), sm_90a (H100, H200), and PTX, which the driver compiles for later GPUs
#   auto   the GPUs of this machine; without one, no CUDA
# CMAKE_CUDA_ARCHITECTURES on the command line takes precedence. Sets cuda_runtime if CUDA is enabled.

# The GPUs that nvidia-smi lists, in the format of CMAKE_CUDA_ARCHITECTURES; empty without a GPU.
function(find_gpus result)
  find_program(NVIDIA_SMI nvidia-smi)
  set(gpus)
  set(status 1)
  if(NVIDIA_SMI)
    execute_process(COMMAND ${NVIDIA_SMI} --query-gpu=compute_cap --format=csv,noheader
                    RESULT_VARIABLE status OUTPUT_VARIABLE capabilities ERROR_QUIET)
  endif()
  if(status EQUAL 0)
    string(REGEX MATCHALL "[0-9]+\\.[0-9]" capabilities "${capabilities}")
    foreach(capability IN LISTS capabilities)
      string(REPLACE "." "" gpu ${capability})
      string(REPLACE "90" "90a" gpu ${gpu})
      if(capability VERSION_GREATER_EQUAL 8.0)
        list(APPEND gpus ${gpu}-real)
      endif()
    endforeach()
    list(REMOVE_DUPLICATES gpus)
  endif()
  set(${result} ${gpus} PARENT_SCOPE)
endfunction()

find_package(CUDAToolkit 12 QUIET)
if(DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(gpus ${CMAKE_CUDA_ARCHITECTURES})
elseif(SAPNET_CUDA STREQUAL "on")
  set(gpus 80-real 90a-real 90-virtual)
else()
  find_gpus(gpus)
endif()

if(NOT CUDAToolkit_FOUND)
  if(SAPNET_CUDA STREQUAL "on")
    message(FATAL_ERROR "SAPNET_CUDA=on, but no CUDA toolkit 12 or later was found; set CUDAToolkit_ROOT, or use SAPNET_CUDA=auto")
  endif()
  message(STATUS "CUDA: off (no CUDA toolkit 12 or later found)")
elseif(NOT gpus)
  message(STATUS "CUDA: off (no GPU of compute capability 8.0 or later here; -DSAPNET_CUDA=on builds for all)")
else()
  message(STATUS "CUDA: on, for ${gpus}")
  set(CMAKE_CUDA_COMPILER ${CUDAToolkit_NVCC_EXECUTABLE} CACHE FILEPATH "nvcc")
  set(CMAKE_CUDA_ARCHITECTURES ${gpus})
  enable_language(CUDA)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)  # CMake 3.25 does not know it for nvcc 13
  # Linked statically, so that the same build also starts on a machine without CUDA.
  set(cuda_runtime CUDA::cudart_static)
endif()
