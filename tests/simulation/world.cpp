// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/world.hpp"

#include <algorithm>
#include <exception>

namespace alluvium::simulation {
namespace {

constexpr std::int64_t eleven_minutes_ms = 11 * 60 * 1000;

}  // namespace

Verdict run(std::uint64_t seed, Mutation mutation, std::ostream* trace) {
  try {
    return World{seed, mutation, trace}.run();
  } catch (const std::exception& error) {
    return {std::string{"thrown: "} + error.what(), 0};
  }
}

World::World(std::uint64_t seed, Mutation mutation, std::ostream* trace) : around_{seed, mutation, trace} {
  engines_.reserve(static_cast<std::size_t>(around_.scenario.engines));
  for (int i = 0; i < around_.scenario.engines; ++i) {
    engines_.emplace_back(i, around_);
  }
}

Verdict World::run() {
  const auto& fault = around_.witness.fault();
  auto& random = around_.random;
  for (int i = random.between(0, 20); i > 0; --i) {
    around_.stream.produce();
  }
  while (fault.empty() && (steps_ < around_.scenario.chaos_steps || !around_.stream.is_complete())) {
    step();
  }
  heal();
  const auto limit = steps_ + Scenario::heal_steps;
  while (fault.empty() && !around_.witness.is_complete(around_.store.tables())) {
    if (steps_ > limit) {
      around_.witness.fault("stuck: not everything is done");
    }
    step();
  }
  if (fault.empty()) {
    try_other_streams();
    around_.witness.rolled_back(around_.store.tables());  // Once more from nothing.
  }
  around_.note([&] { return fault.empty() ? "all is done" : "FAULT: " + fault; });
  return {fault, steps_};
}

/// Somebody's turn; if nobody has anything to do, time passes.
bool World::step() {
  ++steps_;
  auto& random = around_.random;
  around_.now_ms += random.between(0, 3);
  deliver_late();
  if (random.once_in(6)) {
    surroundings_step();
    return true;
  }
  const auto count = static_cast<std::uint32_t>(engines_.size());
  const auto first = random.below(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    if (engines_[(first + i) % count].step()) {
      return true;
    }
  }
  around_.now_ms += random.between(1, 100);
  surroundings_step();
  return false;
}

void World::surroundings_step() {
  share_out();
  auto& random = around_.random;
  if (random.once_in(2)) {
    around_.stream.produce();
  }
  const auto& last = around_.stream.partitions().back();
  if (!last.exists && random.once_in(20)) {
    around_.now_ms += eleven_minutes_ms;
    around_.stream.add_last();
    around_.note([] { return "a partition is added, eleven minutes later"; });
  }
  if (around_.chaos) {
    strike();
  }
}

void World::strike() {
  const auto& faults = around_.scenario.faults;
  auto& random = around_.random;
  if (random.once_in(faults.crash)) {
    any().crash("killed", random.between(1, 2000));
  }
  if (auto& engine = any(); random.once_in(faults.stage_crash) && engine.is_up()) {
    engine.crash_stage();
  }
  if (random.once_in(faults.pause)) {
    any().pause(random.between(10, 3000));
  }
  if (random.once_in(faults.rebalance)) {
    ask_back(any_partition());
  }
  if (random.once_in(faults.expiry)) {
    take_away(any_partition());
  }
  if (random.once_in(faults.outage)) {
    around_.store_down_until_ms = around_.now_ms + random.between(10, 2000);
    around_.note([] { return "the store is away"; });
  }
  if (random.once_in(faults.power_loss)) {
    lose_power();
  }
  if (random.once_in(faults.failover)) {
    fail_over();
  }
  if (random.once_in(faults.retention)) {
    around_.stream.retain();
  }
  if (random.once_in(faults.compaction)) {
    around_.stream.compact();
  }
  if (random.once_in(faults.pressure)) {
    any().flush_all();
  }
}

Engine& World::any() {
  return engines_[around_.random.below(static_cast<std::uint32_t>(engines_.size()))];
}

pipeline::PartitionSlot World::any_partition() {
  return around_.random.below(static_cast<std::uint32_t>(around_.group.partitions.size()));
}

/// Partitions that nobody has go to somebody, sooner or later.
void World::share_out() {
  for (pipeline::PartitionSlot p = 0; p < around_.group.partitions.size(); ++p) {
    auto& share = around_.group.partitions[p];
    if (share.owner != Group::nobody || !around_.stream[p].exists || around_.random.once_in(2)) {
      continue;
    }
    const auto to = around_.random.below(static_cast<std::uint32_t>(engines_.size()));
    if (engines_[to].is_up()) {
      share.owner = static_cast<int>(to);
      engines_[to].tell({Notice::Kind::assigned, p, around_.now_ms});
    }
  }
}

/// The owner of a partition is asked to give it back.
void World::ask_back(pipeline::PartitionSlot p) {
  auto& share = around_.group.partitions[p];
  if (share.owner != Group::nobody && !share.leaving) {
    share.leaving = true;
    engines_[static_cast<std::size_t>(share.owner)].tell(
        {Notice::Kind::revoked, p, around_.now_ms + around_.random.between(0, 300)});
  }
}

/// Its session expired: it is told when it is too late.
void World::take_away(pipeline::PartitionSlot p) {
  auto& share = around_.group.partitions[p];
  if (share.owner != Group::nobody) {
    engines_[static_cast<std::size_t>(share.owner)].tell(
        {Notice::Kind::lost, p, around_.now_ms + around_.random.between(0, 3000)});
    share.owner = Group::nobody;
    share.leaving = false;
  }
}

void World::deliver_late() {
  for (std::size_t i = 0; i < around_.late.size();) {
    if (around_.late[i].at_ms > around_.now_ms) {
      ++i;
      continue;
    }
    const auto late = std::move(around_.late[i]);
    around_.late.erase(around_.late.begin() + static_cast<std::ptrdiff_t>(i));
    const auto result = around_.store.commit(late.commits, late.part);
    around_.note([&] {
      return "a late commit of " + std::to_string(index_of(late.commits.front().partition)) + " with seq " +
             std::to_string(late.commits.front().seq) + " arrives: " +
             (!result                  ? result.error().detail
              : result->fenced.empty() ? "no objection"
                                       : "fenced");
    });
    around_.witness.look(around_.store.tables());
  }
}

void World::lose_power() {
  if (!around_.store.roll_back()) {
    return;
  }
  around_.note([] { return "power is lost, and with it the last transactions"; });
  for (auto& engine : engines_) {
    engine.crash("no power", around_.random.between(1, 500));
  }
  around_.late.clear();
  around_.witness.rolled_back(around_.store.tables());
}

void World::fail_over() {
  if (!around_.store.roll_back()) {
    return;
  }
  around_.note([] { return "the store fails over to an older replica"; });
  around_.failed_over = true;
  // What takes a store down often takes more with it: engines stand still, and their partitions go elsewhere.
  for (pipeline::PartitionSlot p = 0; p < around_.group.partitions.size(); ++p) {
    if (around_.random.once_in(2)) {
      if (const auto owner = around_.group.partitions[p].owner; owner != Group::nobody) {
        engines_[static_cast<std::size_t>(owner)].pause(around_.random.between(10, 1000));
      }
      take_away(p);
    }
  }
  around_.witness.rolled_back(around_.store.tables());
}

/// A claim for a stream that was re-created under the same name, or cut off below what is done, has to be refused,
/// and to change nothing.
void World::try_other_streams() {
  const auto& tables = around_.store.tables();
  for (std::size_t p = 0; p < around_.stream.partitions().size(); ++p) {
    const auto& row = tables.partitions[p];
    const auto& log = around_.stream[p];
    if (!row.exists) {
      continue;
    }
    const auto reached = around_.witness.reached(p, row.watermark);
    const auto claim = [&](std::string identity, std::int64_t end) {
      return around_.store.claim({log.name, std::move(identity), {log.first, end}, false, false}, around_.now_ms);
    };
    if (claim("another stream", log.end) || (reached > log.first && claim("stream", reached - 1))) {
      around_.witness.fault(std::to_string(p) + ": a claim of another stream is granted");
    }
    around_.witness.look(tables);
  }
}

void World::heal() {
  try_other_streams();
  around_.note([] { return "everything heals"; });
  around_.chaos = false;
  around_.stream.add_last();
  around_.stream.produce_last();
  around_.store_down_until_ms = 0;
  for (auto& engine : engines_) {
    engine.heal();
  }
}

}  // namespace alluvium::simulation
