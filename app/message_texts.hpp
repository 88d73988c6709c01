// SPDX-License-Identifier: Apache-2.0
// Messages of the stream, read again: the store keeps where they stand, not what they say.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "pipeline/message.hpp"
#include "pipeline/ports.hpp"

namespace alluvium::app {

struct MessagePlace {
  pipeline::TopicPartition partition;
  pipeline::Position position;
  auto operator<=>(const MessagePlace&) const = default;
};

/// The config for reading its stream: rules and keys need not be usable. `invalid_config` if it can't be read.
[[nodiscard]] pipeline::Result<config::Config> stream_config(const std::string& path);

/// Calls `each` with every message that stands at one of these places and that the stream of `config` still has. A
/// partition that is another stream now than the one its store knows has none.
[[nodiscard]] pipeline::Result<void> read_messages(
    const config::Config& config, const std::vector<MessagePlace>& places,
    const std::function<void(const MessagePlace&, const pipeline::MessageView&)>& each);

/// Calls `each` with every message from the watermarks of the config's store to the ends of its stream.
[[nodiscard]] pipeline::Result<void> read_what_is_ahead(
    const config::Config& config,
    const std::function<void(const MessagePlace&, std::int64_t watermark, const pipeline::MessageView&)>& each);

}  // namespace alluvium::app
