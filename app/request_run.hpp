// SPDX-License-Identifier: Apache-2.0
// Works off the requests to models that wait in a store, without its stream.
#pragma once

#include "app/model_stage.hpp"
#include "app/progress.hpp"
#include "config/config.hpp"

namespace alluvium::app {

/// Until none of the store of `config` is queued or under way: what waits in the backlog or in a provider's batch job
/// is not waited for. An engine that works on the store as well shares the work. Returns the exit code.
[[nodiscard]] int work_off_requests(config::Config config, ModelStage& models, ProgressMode progress);

}  // namespace alluvium::app
