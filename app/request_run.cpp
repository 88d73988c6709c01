// SPDX-License-Identifier: Apache-2.0
#include "app/request_run.hpp"

#include <utility>
#include <vector>

#include "app/commands.hpp"
#include "app/engine_run.hpp"
#include "app/output.hpp"
#include "connectors/empty_source.hpp"

namespace alluvium::app {
namespace {

/// What the engine asks of a store while it reads an empty stream: nothing is claimed or written in the real one.
class RequestsOnly final : public pipeline::Store {
 public:
  RequestsOnly(std::function<pipeline::Result<std::int64_t>()> open,
               std::vector<std::pair<pipeline::TopicPartition, std::int64_t>> ends)
      : open_{std::move(open)}, ends_{std::move(ends)} {}
  pipeline::Result<pipeline::Claim> claim(const pipeline::ClaimRequest& /*request*/) override {
    return pipeline::Claim{.token = "none", .seq = 0, .watermark = 0, .done = {}, .lost = 0};
  }
  pipeline::Result<pipeline::CommitResult> commit(std::span<const pipeline::PartitionCommit> /*commits*/) override {
    return pipeline::CommitResult{};
  }
  pipeline::Result<std::vector<std::pair<pipeline::TopicPartition, std::int64_t>>> watermarks() override {
    return ends_;
  }
  pipeline::Result<std::int64_t> open_calls() override {
    return open_();
  }

 private:
  std::function<pipeline::Result<std::int64_t>()> open_;
  std::vector<std::pair<pipeline::TopicPartition, std::int64_t>> ends_;
};

}  // namespace

int work_off_requests(config::Config config, ModelStage& models, ProgressMode progress,
                      std::function<pipeline::Result<std::int64_t>()> open) {
  const auto store = connectors::open_sqlite_store(config.sqlite, utc_ms);
  if (!store) {
    return report(store.error());
  }
  connectors::EmptySource source;
  if (!open) {
    open = [&store] { return (*store)->open_calls(); };
  }
  RequestsOnly requests{std::move(open), *source.ends()};
  config.engine.until_end = true;
  config.engine.reset_ledger = false;
  config.engine.start_at_end = false;
  return run_engine(config, source, requests, progress, config.sqlite.path, &models);
}

}  // namespace alluvium::app
