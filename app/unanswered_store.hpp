// SPDX-License-Identifier: Apache-2.0
// For runs of the engine that only plan what models would be asked.
#pragma once

#include <utility>
#include <vector>

#include "pipeline/ports.hpp"

namespace alluvium::app {

/// A store whose requests nobody works off: the engine need not wait for them.
class UnansweredStore final : public pipeline::Store {
 public:
  explicit UnansweredStore(pipeline::Store& store) : store_{store} {}
  pipeline::Result<pipeline::Claim> claim(const pipeline::ClaimRequest& request) override {
    return store_.claim(request);
  }
  pipeline::Result<pipeline::CommitResult> commit(std::span<const pipeline::PartitionCommit> commits) override {
    return store_.commit(commits);
  }
  pipeline::Result<std::vector<std::pair<pipeline::TopicPartition, std::int64_t>>> watermarks() override {
    return store_.watermarks();
  }
  pipeline::Result<std::int64_t> gathering() override {
    return store_.gathering();
  }
  pipeline::Result<std::int64_t> close_gathered() override {
    return store_.close_gathered();
  }

 private:
  pipeline::Store& store_;
};

}  // namespace alluvium::app
