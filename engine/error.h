// sapnet::Error for the layers above the engine, which must not include kernels/.
#pragma once

#include <string>

#include "kernels/error.h"

namespace sapnet {

/// Returns call(). If it throws an Error, appends `note` to its message.
template <class Call>
auto with_note(const std::string& note, const Call& call) {
  try {
    return call();
  } catch (const Error& error) {
    throw Error(error.what() + note);
  }
}

}  // namespace sapnet
