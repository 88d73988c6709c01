// SPDX-License-Identifier: Apache-2.0
// Names this process so that others on the machine can tell whether it still lives.
#pragma once

#include <string>
#include <string_view>

namespace alluvium::connectors {

/// "<pid namespace>:<pid>:<start time>": no two processes of one boot have the same.
[[nodiscard]] std::string this_process();

/// False if the process is known to be gone. A name from another PID namespace (a container) can't be looked up: true.
[[nodiscard]] bool may_live(std::string_view process);

}  // namespace alluvium::connectors
