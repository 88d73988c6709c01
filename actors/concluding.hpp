// SPDX-License-Identifier: Apache-2.0
// Tells the store, the figures and the log how a request to a model ended, whether it was a call or in a batch job.
#pragma once

#include <optional>

#include "pipeline/conclusion.hpp"
#include "pipeline/metrics.hpp"

namespace alluvium::actors {

/// Settles or postpones the request.
[[nodiscard]] pipeline::Result<void> write_conclusion(const pipeline::Conclusion& out, pipeline::RequestStore& store,
                                                      pipeline::Metrics& metrics);
/// `reserved`: what had been set aside for it.
void count_conclusion(const pipeline::Conclusion& out, std::optional<pipeline::Money> reserved,
                      pipeline::Metrics& metrics);

}  // namespace alluvium::actors
