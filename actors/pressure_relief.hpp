// SPDX-License-Identifier: Apache-2.0
// Keeps the engine within its memory: looks at what is held and what the system says, and carries out the Governor's
// orders.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "actors/model_load.hpp"
#include "actors/options.hpp"
#include "actors/router.hpp"
#include "pipeline/credit.hpp"
#include "pipeline/governor.hpp"
#include "pipeline/metrics.hpp"

namespace alluvium::actors {

/// Not an actor: the source's thread owns it. Everything given outlives it.
class PressureRelief {
 public:
  PressureRelief(const EngineOptions& options, const pipeline::Source& source, Router& router, pipeline::Credit& credit,
                 pipeline::Credit& results, ModelLoad& load, pipeline::Metrics& metrics);

  /// Records. With so many ahead a long backlog is read, one partition at a time (connectors/reading_turns): the
  /// buffers of the others leave first when memory is short.
  static constexpr std::int64_t long_backlog = 50'000;

  /// How many bytes the next poll may bring; 0: none. `gathered` is what polls brought that is not charged
  /// yet, with all that it will be charged. Looks at the memory when it is time to.
  [[nodiscard]] std::size_t allowance(pipeline::TimePoint now, std::int64_t gathered);
  /// The last poll brought records: under pressure the next one has to wait.
  void brought_some(pipeline::TimePoint now) {
    not_before_ = now + orders_.delay;
  }
  /// For the buffers: a batch with that many messages leaves.
  [[nodiscard]] const std::atomic<std::size_t>& batch_messages_max() const {
    return batch_messages_max_;
  }

 private:
  void look(pipeline::TimePoint now);
  void relieve_credit(pipeline::TimePoint now, std::int64_t gathered);
  void relieve_buffers(std::int64_t bytes, pipeline::TimePoint now);
  void count_flushed(std::size_t buffers);
  void report(const pipeline::MemoryReading& reading, const pipeline::HeldBytes& held, pipeline::TimePoint now);

  const EngineOptions& options_;
  const pipeline::Source& source_;
  Router& router_;
  pipeline::Credit& credit_;
  pipeline::Credit& results_;
  ModelLoad& load_;
  pipeline::Metrics& metrics_;

  pipeline::Governor governor_;
  pipeline::PressureOrders orders_;
  std::atomic<std::size_t> batch_messages_max_;
  pipeline::TimePoint next_look_;
  pipeline::TimePoint not_before_;
  pipeline::TimePoint next_relief_;
  pipeline::TimePoint had_credit_at_;  ///< When some was left last.
  pipeline::TimePoint next_quiet_;
  bool in_backlog_ = false;  ///< As of the last look.
  pipeline::TimePoint next_alert_;
  pipeline::TimePoint pressed_since_;  ///< Of the episode under way; the epoch: there is none.
};

}  // namespace alluvium::actors
