// SPDX-License-Identifier: Apache-2.0
// What has to fit together before a model is asked: tiers, endpoints, keys, prompts, budgets.
#pragma once

#include "config/config.hpp"
#include "config/reader.hpp"

namespace alluvium::config {

/// Reports faults, switches tiers of a preset off that have no endpoint, and fills what the engine and the store are
/// told: engine.extraction.for_models, sqlite.models, budget, the tiers' instructions.
void check_models(Reader& reader, Config& config);

}  // namespace alluvium::config
