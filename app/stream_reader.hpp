// SPDX-License-Identifier: Apache-2.0
// The config's stream as somebody reads it who is not the engine: once, alone, leaving the consumer group as it is.
#pragma once

#include <memory>

#include "config/config.hpp"
#include "pipeline/ports.hpp"

namespace alluvium::app {

/// `invalid_config` if the source is stdin, which can't be read twice.
[[nodiscard]] pipeline::Result<std::unique_ptr<pipeline::Source>> open_stream(const config::Config& config);

}  // namespace alluvium::app
