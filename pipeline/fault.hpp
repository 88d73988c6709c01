// SPDX-License-Identifier: Apache-2.0
// Why something in a record can't be used, before it is known where: it becomes a dead letter.
#pragma once

#include <string>
#include <utility>

#include <tl/expected.hpp>

#include "pipeline/dead_letter.hpp"

namespace alluvium::pipeline {

struct Fault {
  DeadReason reason = DeadReason::not_json;
  std::string detail;  ///< As DeadLetter::detail.
};

template <class T>
using OrFault = tl::expected<T, Fault>;

inline tl::unexpected<Fault> faulty(DeadReason reason, std::string detail) {
  return tl::unexpected<Fault>{Fault{reason, std::move(detail)}};
}

}  // namespace alluvium::pipeline
