// SPDX-License-Identifier: Apache-2.0
// Whose turn it is, and the end of an engine.
#include "tests/simulation/engine.hpp"

#include <algorithm>
#include <utility>

namespace alluvium::simulation {

Engine::Engine(int number, Surroundings& around)
    : number_{number}, around_{around}, policy_{*pipeline::BatchPolicy::make(around.scenario.buffer)} {
  partitions_.resize(around.stream.partitions().size());
}

bool Engine::step() {
  const auto now = around_.now_ms;
  if (!up_) {
    if (now < restart_at_ms_) {
      return false;
    }
    up_ = true;
    note([] { return "starts"; });
  }
  if (is_paused()) {
    return false;
  }
  std::array<std::pair<Turn, std::size_t>, 9 + extractors> turns;
  std::size_t count = 0;
  const auto may = [&](bool ready, Turn turn, std::size_t which = 0) {
    if (ready) {
      turns[count++] = {turn, which};
    }
  };
  may(!stage_up_ && now >= stage_at_ms_, Turn::stage);
  auto& random = around_.random;
  const auto& scenario = around_.scenario;
  may(!inbox_.empty() && random.once_in(scenario.slow_inbox), Turn::inbox);
  may(!notices_.empty() && notices_.front().at_ms <= now, Turn::notice);
  bool waiting = false;
  bool readable = false;
  bool held = false;
  for (std::size_t i = 0; i < partitions_.size(); ++i) {
    const auto& here = partitions_[i];
    waiting = waiting || (here.phase == Phase::waiting && here.claim_at_ms <= now);
    readable = readable || is_readable(here, i);
    held = held || (here.phase == Phase::running && here.held);
  }
  may(stage_known_ && waiting, Turn::claim);
  may(stage_known_ && readable, Turn::poll);
  may(!buffers_.empty() && now >= next_sweep_ms_, Turn::sweep);
  may(held && !buffers_.empty() && now >= next_relief_ms_, Turn::relieve);
  for (std::size_t i = 0; i < extractors; ++i) {
    may(!work_[i].empty() && random.once_in(scenario.slow_extractors), Turn::extract, i);
  }
  may(stage_up_ && !mail_.empty() && random.once_in(scenario.slow_writer), Turn::write);
  may(stage_up_ && tick_due_ && now >= tick_at_ms_, Turn::tick);
  if (count == 0) {
    return false;
  }
  const auto [turn, which] = turns[random.below(static_cast<std::uint32_t>(count))];
  switch (turn) {
    case Turn::stage:
      stage_up_ = true;
      inbox_.emplace_back(StageReady{});
      break;
    case Turn::inbox:
      take_event();
      break;
    case Turn::notice:
      take_notice();
      break;
    case Turn::claim:
      claim_next();
      break;
    case Turn::poll:
      poll();
      break;
    case Turn::sweep:
      sweep();
      break;
    case Turn::relieve:
      next_relief_ms_ = now + 50;
      flush_all();
      break;
    case Turn::extract:
      extract(which);
      break;
    case Turn::write:
      take_mail();
      break;
    case Turn::tick:
      tick();
      break;
  }
  if (dying_ != nullptr) {
    crash(std::exchange(dying_, nullptr), random.between(1, 500));
  }
  return true;
}

void Engine::crash(const char* why, int restart_ms) {
  note([&] { return std::string{"ends: "} + why; });
  up_ = false;
  restart_at_ms_ = around_.now_ms + restart_ms;
  paused_until_ms_ = 0;
  partitions_.assign(partitions_.size(), Partition{});
  inbox_.clear();
  notices_.clear();
  buffers_.clear();
  crash_stage();
  inbox_.clear();
  stage_up_ = stage_known_ = true;
  for (auto& share : around_.group.partitions) {
    if (share.owner == number_) {
      share.owner = Group::nobody;
      share.leaving = false;
    }
  }
}

void Engine::crash_stage() {
  note([] { return "the stage crashes"; });
  stage_up_ = false;
  stage_at_ms_ = around_.now_ms + 100;
  for (auto& work : work_) {
    work.clear();
  }
  mail_.clear();
  queue_ = {};
  taken_.clear();
  taken_gaps_.clear();
  open_epochs_ = {};
  claims_.clear();
  retry_delay_ms_ = 0;
  tick_due_ = false;
  inbox_.emplace_back(StageDown{});
}

void Engine::pause(int ms) {
  note([&] { return "is frozen for " + std::to_string(ms) + " ms"; });
  paused_until_ms_ = around_.now_ms + ms;
}

void Engine::tell(const Notice& notice) {
  notices_.push_back(notice);
}

void Engine::heal() {
  paused_until_ms_ = 0;
  restart_at_ms_ = around_.now_ms;
  for (auto& notice : notices_) {
    notice.at_ms = std::min(notice.at_ms, around_.now_ms);
  }
}

}  // namespace alluvium::simulation
