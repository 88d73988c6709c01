// SPDX-License-Identifier: Apache-2.0
// The words for a request's states.
#include "pipeline/model_ports.hpp"

namespace alluvium::pipeline {

std::string_view name(RequestState state) {
  switch (state) {
    case RequestState::gathering:
      return "gathering";
    case RequestState::queued:
      return "queued";
    case RequestState::sent:
      return "sent";
    case RequestState::submitted:
      return "submitted";
    case RequestState::degraded:
      return "degraded";
    case RequestState::parked:
      return "parked";
  }
  return "queued";
}

}  // namespace alluvium::pipeline
