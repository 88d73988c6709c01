// SPDX-License-Identifier: Apache-2.0
// The words for the reasons of a dead letter.
#include "pipeline/dead_letter.hpp"

namespace alluvium::pipeline {

std::string_view name(DeadReason reason) {
  switch (reason) {
    case DeadReason::empty:
      return "empty";
    case DeadReason::too_large:
      return "too_large";
    case DeadReason::not_utf8:
      return "not_utf8";
    case DeadReason::not_json:
      return "not_json";
    case DeadReason::too_deep:
      return "too_deep";
    case DeadReason::wrong_type:
      return "wrong_type";
    case DeadReason::no_content:
      return "no_content";
    case DeadReason::invalid_field:
      return "invalid_field";
    case DeadReason::refused_by_model:
      return "refused_by_model";
  }
  return "unknown";
}

}  // namespace alluvium::pipeline
