// SPDX-License-Identifier: Apache-2.0
// Works off the requests to models that wait in a store, without its stream.
#pragma once

#include <functional>

#include "app/model_stage.hpp"
#include "app/progress.hpp"
#include "config/config.hpp"

namespace alluvium::app {

/// Until `open` says that none is to be waited for; empty: none of the store of `config` that is queued or under way as
/// a call. An engine that works on the store as well shares the work. Returns the exit code.
[[nodiscard]] int work_off_requests(config::Config config, ModelStage& models, ProgressMode progress,
                                    std::function<pipeline::Result<std::int64_t>()> open = {});

}  // namespace alluvium::app
