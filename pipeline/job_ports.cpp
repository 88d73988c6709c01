// SPDX-License-Identifier: Apache-2.0
// The words of jobs.
#include "pipeline/job_ports.hpp"

namespace alluvium::pipeline {

std::string_view name(JobPhase phase) {
  switch (phase) {
    case JobPhase::submitting:
      return "submitting";
    case JobPhase::running:
      return "running";
    case JobPhase::ended:
      return "ended";
    case JobPhase::failed:
      return "failed";
    case JobPhase::canceled:
      return "canceled";
  }
  return "submitting";
}

std::string_view name(CancelState state) {
  switch (state) {
    case CancelState::no:
      return "no";
    case CancelState::wanted:
      return "wanted";
    case CancelState::told:
      return "told";
  }
  return "no";
}

std::string custom_id(std::int64_t request, std::string_view hash) {
  return "r" + std::to_string(request) + "-" + std::string{hash.substr(0, 16)};
}

}  // namespace alluvium::pipeline
