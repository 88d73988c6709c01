// SPDX-License-Identifier: Apache-2.0
// One run: engines, the group, faults, and the scheduler that decides who is next.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "tests/simulation/engine.hpp"
#include "tests/simulation/surroundings.hpp"

namespace alluvium::simulation {

struct Verdict {
  std::string fault;  ///< Empty: all was well.
  std::int64_t steps = 0;
  [[nodiscard]] bool failed() const {
    return !fault.empty();
  }
};

/// A pure function of seed and mutation. `trace`, if there is one, gets a line for everything that happens.
[[nodiscard]] Verdict run(std::uint64_t seed, Mutation mutation, std::ostream* trace = nullptr);

class World {
 public:
  World(std::uint64_t seed, Mutation mutation, std::ostream* trace);
  Verdict run();

 private:
  bool step();
  void surroundings_step();
  void strike();
  void share_out();
  void ask_back(pipeline::PartitionSlot p);
  void take_away(pipeline::PartitionSlot p);
  pipeline::PartitionSlot any_partition();
  void deliver_late();
  void lose_power();
  void fail_over();
  void heal();
  void try_other_streams();
  Engine& any();

  Surroundings around_;
  std::vector<Engine> engines_;
  std::int64_t steps_ = 0;
};

}  // namespace alluvium::simulation
