// SPDX-License-Identifier: Apache-2.0
// The one error type of the engine: what went wrong, and what to do about it.
#pragma once

#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace alluvium::pipeline {

/// Every failure the engine knows. The code alone decides what happens next.
enum class Errc {
  invalid_config,   ///< Stop before anything is read (exit 2); print the detail.
  malformed_input,  ///< The message becomes a dead letter; the stream goes on.
  unavailable,      ///< Nothing was applied: try again with backoff (locked store, broker away).
  unsafe_to_go_on,  ///< A person must look: corrupt or newer store, topic re-created. Stop (exit
                    ///< 1).
};

struct Error {
  Errc code;
  std::string detail;  ///< For people; never parsed, never holds message text.
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Errc code, std::string detail) {
  return tl::unexpected<Error>{Error{code, std::move(detail)}};
}

}  // namespace alluvium::pipeline
