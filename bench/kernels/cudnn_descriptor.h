// The cuDNN library and its backend descriptors. Internal to cudnn.cpp.
#pragma once

#include <cudnn_graph.h>
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "engine/error.h"

namespace sapnet::bench::cudnn {

struct Library {
  decltype(&cudnnCreate) create = nullptr;
  decltype(&cudnnSetStream) set_stream = nullptr;
  decltype(&cudnnGetVersion) version = nullptr;
  decltype(&cudnnGetLastErrorString) last_error = nullptr;
  decltype(&cudnnBackendCreateDescriptor) create_descriptor = nullptr;
  decltype(&cudnnBackendDestroyDescriptor) destroy_descriptor = nullptr;
  decltype(&cudnnBackendSetAttribute) set = nullptr;
  decltype(&cudnnBackendGetAttribute) get = nullptr;
  decltype(&cudnnBackendFinalize) finalize = nullptr;
  decltype(&cudnnBackendExecute) execute = nullptr;

  /// Null if cuDNN is missing.
  static const Library* find() {
    static const Library* const only = open();
    return only;
  }

 private:
  static const Library* open() {
    void* const file = dlopen("libcudnn.so.9", RTLD_NOW | RTLD_LOCAL);
    if (!file) return nullptr;
    auto found = std::make_unique<Library>();
    const auto look_up = [&](auto& function, const char* symbol) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(file, symbol));
      return function != nullptr;
    };
    const bool all =
        look_up(found->create, "cudnnCreate") && look_up(found->set_stream, "cudnnSetStream") &&
        look_up(found->version, "cudnnGetVersion") && look_up(found->last_error, "cudnnGetLastErrorString") &&
        look_up(found->create_descriptor, "cudnnBackendCreateDescriptor") &&
        look_up(found->destroy_descriptor, "cudnnBackendDestroyDescriptor") &&
        look_up(found->set, "cudnnBackendSetAttribute") && look_up(found->get, "cudnnBackendGetAttribute") &&
        look_up(found->finalize, "cudnnBackendFinalize") && look_up(found->execute, "cudnnBackendExecute");
    return all ? found.release() : nullptr;  // never closed: at exit, the driver is unloaded first
  }
};

inline constexpr const char* kMissing = "libcudnn.so.9 was not found, or lacks its graph interface";

inline const Library& library() {
  const Library* const found = Library::find();
  if (!found) throw Error(kMissing);
  return *found;
}

inline void check_status(cudnnStatus_t status, const char* what) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  std::array<char, 512> message{};
  library().last_error(message.data(), message.size());
  throw Error("cuDNN: " + std::string(what) + ": " + message.data());
}

/// A cuDNN backend descriptor: a set of attributes.
class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type) {
    check_status(library().create_descriptor(type, &raw_), "creating a descriptor");
  }
  Descriptor(Descriptor&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (raw_) library().destroy_descriptor(raw_);
  }

  template <class T>
  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
           std::initializer_list<T> values) {
    check_status(library().set(raw_, name, type, static_cast<std::int64_t>(values.size()), values.begin()),
                 "setting an attribute");
  }
  void set(cudnnBackendAttributeName_t name, const Descriptor& value) {
    set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, {value.raw_});
  }

  /// Copies up to max_count of the attribute's values to `to`; returns their number.
  template <class T>
  std::int64_t get(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, T* to,
                   std::int64_t max_count) const {
    std::int64_t count = 0;
    check_status(library().get(raw_, name, type, max_count, &count, to), "reading an attribute");
    return std::min(count, max_count);
  }

  void finalize(const char* what) { check_status(library().finalize(raw_), what); }
  cudnnBackendDescriptor_t raw() const { return raw_; }

 private:
  cudnnBackendDescriptor_t raw_ = nullptr;
};

}  // namespace sapnet::bench::cudnn
