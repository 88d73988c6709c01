// SPDX-License-Identifier: Apache-2.0
// The making of a rebuild: a shadow of the store, what differs, what models would cost.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/progress.hpp"
#include "config/config.hpp"
#include "pipeline/money.hpp"

namespace alluvium::app {

struct RebuildOptions {
  std::string config_path, store_path;
  std::vector<std::string> agents;
  bool all = false, make = false, swap = false, drop = false, json = false;
  std::optional<std::int64_t> from_ms, to_ms;
  std::optional<pipeline::Money> budget;
  ProgressMode progress = ProgressMode::automatic;
};

/// Makes the shadow, or goes on with it, and prints how it differs. Returns the exit code.
[[nodiscard]] int make_rebuild(const RebuildOptions& options, const config::Loaded& loaded);

}  // namespace alluvium::app
