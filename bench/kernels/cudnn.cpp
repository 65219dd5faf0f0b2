// Uses cuDNN's graph API: describe operations and tensors, get engines from the heuristics, build a plan for
// each, and time all plans. (NVIDIA cuDNN documentation, "Graph API", "Backend API".)
#include "bench/kernels/cudnn.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "bench/kernels/cudnn_descriptor.h"
#include "bench/kernels/maps.h"
#include "bench/kernels/timing.h"
#include "engine/buffer.h"
#include "engine/cuda.h"
#include "engine/error.h"

namespace sapnet::bench::cudnn {
namespace {

using engine::DType;
using engine::Tensor;

/// Unique ids of tensors in a graph.
enum Name : std::int64_t { kIn = 1, kFilter, kOut, kBias, kSum, kBiased };

cudnnDataType_t type_of(DType dtype) { return dtype == DType::kFloat16 ? CUDNN_DATA_HALF : CUDNN_DATA_FLOAT; }

/// cuDNN lists extents in the order n, c, h, w, whatever the memory layout (here n, h, w, c). Virtual tensors
/// are not stored in memory.
Descriptor tensor(Name name, std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w,
                  cudnnDataType_t type, bool is_virtual = false) {
  Descriptor tensor(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  tensor.set<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, {type});
  tensor.set<std::int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, {n, c, h, w});
  tensor.set<std::int64_t>(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, {h * w * c, 1, w * c, c});
  tensor.set<std::int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, {name});
  tensor.set<std::int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, {16});
  if (is_virtual) tensor.set<bool>(CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, {true});
  tensor.finalize("describing a tensor");
  return tensor;
}

/// The attributes of the three convolution operations, which differ only in their names.
struct PassNames {
  cudnnBackendDescriptorType_t type;
  cudnnBackendAttributeName_t convolution, alpha, beta, in, filter, out;
};

constexpr PassNames kForwardNames = {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y};
constexpr PassNames kDgradNames = {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX};
constexpr PassNames kWgradNames = {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY};

/// Padded channels of a map for cuDNN.
std::int64_t filled_up(std::int64_t channels, DType maps) {
  constexpr std::int64_t kMultiple = 8;
  return maps == DType::kFloat16 ? (channels + kMultiple - 1) / kMultiple * kMultiple : channels;
}

/// A convolution, with bias and ReLU in the forward pass, as one graph.
class Graph {
 public:
  explicit Graph(const Convolution& what) : graph_(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR) {
    const kernels::Conv2dProblem& p = what.problem;
    const cudnnDataType_t type = type_of(what.maps);
    const std::int64_t in = filled_up(p.total_in_channels(), what.maps),
                       out = filled_up(p.out_channels, what.maps);
    const bool dgrad = what.pass == Pass::kDgrad;
    // cuDNN's filter is that of the forward convolution, out × in; dgrad goes from outputs to inputs.
    tensors_.push_back(tensor(kFilter, dgrad ? in : out, dgrad ? out : in, p.kernel, p.kernel, type));
    tensors_.push_back(tensor(kIn, p.n, in, p.h, p.w, type));
    // The result before bias and ReLU stays in the kernel, so in fp32.
    const bool ends = what.bias || what.relu;
    tensors_.push_back(
        tensor(ends ? kSum : kOut, p.n, out, p.out_h(), p.out_w(), ends ? CUDNN_DATA_FLOAT : type, ends));
    const PassNames& names = dgrad ? kDgradNames : what.pass == Pass::kWgrad ? kWgradNames : kForwardNames;
    convolution(p, names);
    if (what.bias) {
      tensors_.push_back(tensor(kBias, 1, out, 1, 1, CUDNN_DATA_FLOAT));
      tensors_.push_back(tensor(what.relu ? kBiased : kOut, p.n, out, p.out_h(), p.out_w(),
                                what.relu ? CUDNN_DATA_FLOAT : type, what.relu));
      pointwise(CUDNN_POINTWISE_ADD, tensors_[2], &tensors_[3], tensors_[4]);
    }
    if (what.relu) {
      const Descriptor& before = tensors_.back();
      Descriptor after = tensor(kOut, p.n, out, p.out_h(), p.out_w(), type);
      pointwise(CUDNN_POINTWISE_RELU_FWD, before, nullptr, after);
      tensors_.push_back(std::move(after));
    }
    std::vector<cudnnBackendDescriptor_t> raw;
    for (const Descriptor& operation : operations_) raw.push_back(operation.raw());
    check_status(library().set(graph_.raw(), CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                               static_cast<std::int64_t>(raw.size()), raw.data()),
                 "naming a graph's operations");
  }

  /// Without a handle, cuDNN only validates the graph; no plan can be built.
  const Descriptor& finish(cudnnHandle_t handle) {
    if (handle) graph_.set<cudnnHandle_t>(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, {handle});
    graph_.finalize("taking a graph");
    return graph_;
  }

 private:
  void convolution(const kernels::Conv2dProblem& p, const PassNames& names) {
    Descriptor shape(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    shape.set<std::int64_t>(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, {2});
    shape.set<cudnnDataType_t>(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, {CUDNN_DATA_FLOAT});
    shape.set<cudnnConvolutionMode_t>(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE,
                                      {CUDNN_CROSS_CORRELATION});
    for (const auto& [name, value] : {std::pair{CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, p.padding},
                                      {CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, p.padding},
                                      {CUDNN_ATTR_CONVOLUTION_DILATIONS, p.dilation},
                                      {CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, p.stride}})
      shape.set<std::int64_t>(name, CUDNN_TYPE_INT64, {value, value});
    shape.finalize("describing a convolution");

    Descriptor operation(names.type);
    operation.set(names.convolution, shape);
    operation.set(names.filter, tensors_[0]);
    operation.set(names.in, tensors_[1]);
    operation.set(names.out, tensors_[2]);
    operation.set<float>(names.alpha, CUDNN_TYPE_FLOAT, {1});
    operation.set<float>(names.beta, CUDNN_TYPE_FLOAT, {0});
    operation.finalize("describing a convolution's tensors");
    shapes_.push_back(std::move(shape));
    operations_.push_back(std::move(operation));
  }

  void pointwise(cudnnPointwiseMode_t mode, const Descriptor& x, const Descriptor* b, const Descriptor& y) {
    Descriptor shape(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    shape.set<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, {mode});
    shape.set<cudnnDataType_t>(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, {CUDNN_DATA_FLOAT});
    shape.finalize("describing a pointwise operation");
    Descriptor operation(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, shape);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x);
    if (b) operation.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, *b);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
    operation.finalize("describing a pointwise operation's tensors");
    shapes_.push_back(std::move(shape));
    operations_.push_back(std::move(operation));
  }

  std::vector<Descriptor> tensors_, shapes_, operations_;
  Descriptor graph_;
};

cudnnHandle_t handle() {
  static const cudnnHandle_t only = [] {
    cudnnHandle_t made = nullptr;
    check_status(library().create(&made), "starting");
    check_status(library().set_stream(made, static_cast<cudaStream_t>(engine::cuda::stream())),
                 "choosing a stream");
    return made;
  }();
  return only;
}

struct Plan {
  Descriptor plan;
  std::int64_t workspace = 0, number = 0;  // bytes; cuDNN's engine number
};

/// The engine number; nullopt if it multiplies fp32 numbers at reduced precision.
std::optional<std::int64_t> fair_engine(const Descriptor& configuration, DType maps) {
  const Descriptor engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  cudnnBackendDescriptor_t raw = engine.raw();
  configuration.get(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, &raw, 1);
  std::array<cudnnBackendNumericalNote_t, CUDNN_NUMERICAL_NOTE_TYPE_COUNT> notes{};
  const std::int64_t count = engine.get(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                                        notes.data(), std::ssize(notes));
  const auto unfair = [](cudnnBackendNumericalNote_t note) {
    return note == CUDNN_NUMERICAL_NOTE_TENSOR_CORE || note == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS;
  };
  if (maps == DType::kFloat32 && std::any_of(notes.begin(), notes.begin() + count, unfair))
    return std::nullopt;
  std::int64_t number = 0;
  engine.get(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, &number, 1);
  return number;
}

/// The first engines that a mode of cuDNN's heuristics suggests.
std::vector<Plan> plans(const Descriptor& graph, cudnnBackendHeurMode_t mode, DType maps) {
  constexpr std::int64_t kMost = 8;
  Descriptor heuristic(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristic.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
  heuristic.set<cudnnBackendHeurMode_t>(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, {mode});
  heuristic.finalize("querying engines");
  std::vector<Descriptor> configurations;
  std::vector<cudnnBackendDescriptor_t> raw;
  for (std::int64_t k = 0; k < kMost; ++k) {
    configurations.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    raw.push_back(configurations.back().raw());
  }
  const std::int64_t count =
      heuristic.get(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, raw.data(), kMost);
  std::vector<Plan> made;
  for (std::int64_t k = 0; k < count; ++k) {
    const Descriptor& configuration = configurations[static_cast<std::size_t>(k)];
    try {
      const auto number = fair_engine(configuration, maps);
      if (!number) continue;
      Plan plan = {Descriptor(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR), 0, *number};
      plan.plan.set<cudnnHandle_t>(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, {handle()});
      plan.plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
      plan.plan.finalize("making a plan");
      plan.plan.get(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, &plan.workspace, 1);
      made.push_back(std::move(plan));
    } catch (const Error&) {
      continue;  // suggested engines are often unsupported
    }
  }
  return made;
}

/// Addresses of one set of tensors.
struct Set {
  Tensor in, filter, out, bias, copied_from, copied_to;
};

Set make_set(MapMaker& make, const Convolution& what) {
  const kernels::Conv2dProblem& p = what.problem;
  const std::int64_t in = filled_up(p.total_in_channels(), what.maps),
                     out = filled_up(p.out_channels, what.maps);
  Set set = {make.map({p.n, p.h, p.w, in}, what.maps),
             make.map({out, p.kernel, p.kernel, in}, what.maps),
             make.map({p.n, p.out_h(), p.out_w(), out}, what.maps),
             make.bias(out),
             {},
             {}};
  if (const auto floats = static_cast<std::int64_t>(what.more_bytes / 2 / sizeof(float)); floats > 0) {
    set.copied_from = make.map({1, 1, 1, floats});
    set.copied_to = make.map({1, 1, 1, floats});
  }
  return set;
}

void* address(Tensor& tensor) {
  return visit_dtype(tensor.dtype(), [&]<class T>(T) -> void* { return tensor.data<T>(); });
}

Descriptor variant_pack(Set& set, const Convolution& what, Tensor& workspace) {
  Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  if (what.bias) {
    pack.set<std::int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, {kIn, kFilter, kOut, kBias});
    pack.set<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR,
                    {address(set.in), address(set.filter), address(set.out), address(set.bias)});
  } else {
    pack.set<std::int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, {kIn, kFilter, kOut});
    pack.set<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR,
                    {address(set.in), address(set.filter), address(set.out)});
  }
  pack.set<void*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, {address(workspace)});
  pack.finalize("naming the tensors");
  return pack;
}

}  // namespace

std::string unavailable_reason() {
  if (!Library::find()) return kMissing;
  return engine::cuda::unavailable_reason();
}

std::string name() {
  const std::size_t version = library().version();
  return "cuDNN " + std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

void check(const Convolution& convolution) { Graph(convolution).finish(nullptr); }

std::vector<double> time_convolution(const Convolution& what, int repeat, nlohmann::ordered_json& chosen) {
  const kernels::Conv2dProblem& p = what.problem;
  Graph graph(what);
  const Descriptor& finished = graph.finish(handle());
  std::vector<Plan> all = plans(finished, CUDNN_HEUR_MODE_A, what.maps);
  if (all.empty()) all = plans(finished, CUDNN_HEUR_MODE_FALLBACK, what.maps);
  if (all.empty()) throw Error("cuDNN has no plan for it");

  const double map = static_cast<double>(p.n * p.h * p.w * (p.total_in_channels() + p.out_channels)) *
                     static_cast<double>(size_of(what.maps));
  MapMaker make(engine::Device::kCuda);
  std::vector<Set> sets;
  for (std::size_t k = 0; k < sets_of(map + what.more_bytes, engine::Device::kCuda); ++k)
    sets.push_back(make_set(make, what));
  const auto time_plan = [&](const Plan& plan, int times) {
    Tensor workspace({1, 1, 1, plan.workspace / static_cast<std::int64_t>(sizeof(float)) + 1},
                     engine::Device::kCuda);
    std::vector<Descriptor> packs;
    for (Set& set : sets) packs.push_back(variant_pack(set, what, workspace));
    return time_sets(engine::Device::kCuda, sets.size(), times, [&](std::size_t k) {
      check_status(library().execute(handle(), plan.plan.raw(), packs[k].raw()), "running a plan");
      if (sets[k].copied_from) engine::copy(sets[k].copied_from, sets[k].copied_to);
      return 0;
    });
  };
  const Plan* best = nullptr;
  double shortest = 0;
  std::string fault;
  for (const Plan& plan : all) {
    try {
      const double seconds = median(time_plan(plan, 3));
      if (best && seconds >= shortest) continue;
      best = &plan;
      shortest = seconds;
    } catch (const Error& error) {
      fault = error.what();
    }
  }
  if (!best) throw Error(fault);
  chosen["engine"] = best->number;
  chosen["plans_tried"] = all.size();
  chosen["workspace_bytes"] = best->workspace;
  return time_plan(*best, repeat);
}

}  // namespace sapnet::bench::cudnn
