// engine/cuda.h without the CUDA toolkit: everything throws unavailable_reason().
#include "engine/cuda.h"
#include "engine/error.h"

namespace sapnet::engine::cuda {
namespace {

[[noreturn]] void absent() { throw Error("CUDA: " + unavailable_reason()); }

}  // namespace

std::string unavailable_reason(int /*gpu*/) { return "this build was made without the CUDA toolkit"; }
bool gpu_present() { return false; }  // as far as this build knows
std::string use_gpu(int /*gpu*/) { return unavailable_reason(); }
std::string describe() { absent(); }
kernels::CudaStream stream() { absent(); }
std::unique_lock<std::recursive_mutex> lock() { absent(); }
void* allocate(std::size_t /*bytes*/) { absent(); }
void release(void* /*memory*/) {}
std::size_t available_memory() { absent(); }
void upload(void* /*device*/, const void* /*host*/, std::size_t /*bytes*/) { absent(); }
void download(void* /*host*/, const void* /*device*/, std::size_t /*bytes*/) { absent(); }
void copy(void* /*to*/, const void* /*from*/, std::size_t /*bytes*/) { absent(); }
void set_zero(void* /*device*/, std::size_t /*bytes*/) { absent(); }
double elapsed_seconds(const std::function<void()>& /*work*/) { absent(); }
Graph::Graph(const std::function<void()>& /*work*/) { absent(); }
Graph::~Graph() = default;
void Graph::launch() { absent(); }

}  // namespace sapnet::engine::cuda
