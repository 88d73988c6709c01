// SPDX-License-Identifier: Apache-2.0
// The whole pipeline on the real source with no call made: what the models would cost.
#pragma once

#include <functional>
#include <memory>

#include "app/progress.hpp"
#include "config/config.hpp"
#include "pipeline/ports.hpp"

namespace alluvium::app {

using MakeSource = std::function<pipeline::Result<std::unique_ptr<pipeline::Source>>(const config::Config&)>;

/// Reads the source from its start to its end (or until it is interrupted) as a run with `config` would, into a store
/// of its own that is gone afterwards: the config's store is only read, for what is known of its models, and its
/// consumer group is left alone. Prints what the requests in it would cost. Returns the exit code.
[[nodiscard]] int dry_run(config::Config config, const MakeSource& make_source, ProgressMode progress, bool json);

}  // namespace alluvium::app
