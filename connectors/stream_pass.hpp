// SPDX-License-Identifier: Apache-2.0
// Reads some ranges of a stream once, for somebody who is not the engine.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "pipeline/ports.hpp"

namespace alluvium::connectors {

/// By partition: ranges in ascending order that do not overlap.
using StreamRanges = std::map<pipeline::TopicPartition, std::vector<pipeline::OffsetRange>>;

/// Calls `each` for every record in the ranges that the stream still has, in the order of their offsets within a
/// partition; what lies far apart is skipped to. `source` is freshly made (it is opened here), assigns its partitions
/// by itself and revokes none. `unavailable` if it brings nothing for half a minute.
[[nodiscard]] pipeline::Result<void> read_ranges(pipeline::Source& source, StreamRanges ranges,
                                                 const std::function<void(const pipeline::RecordView&)>& each);

}  // namespace alluvium::connectors
