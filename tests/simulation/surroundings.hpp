// SPDX-License-Identifier: Apache-2.0
// What the engines of a run share: time, chance, the stream, the store, the group, and who watches.
#pragma once

#include <cstdint>
#include <deque>
#include <ostream>
#include <string>
#include <vector>

#include "tests/simulation/scenario.hpp"
#include "tests/simulation/store.hpp"
#include "tests/simulation/stream.hpp"
#include "tests/simulation/witness.hpp"

namespace alluvium::simulation {

/// What the group tells an engine about a partition.
struct Notice {
  enum class Kind { assigned, revoked, lost };
  Kind kind = Kind::assigned;
  pipeline::PartitionSlot partition = 0;
  std::int64_t at_ms = 0;  ///< It arrives not before.
};

/// The broker's side of the group: who it thinks owns which partition, and the offsets posted to it.
struct Group {
  static constexpr int nobody = -1;
  struct Share {
    int owner = nobody;
    bool leaving = false;  ///< The owner was asked to give it back.
    std::int64_t posted = -1;
  };
  std::vector<Share> partitions;
};

/// A commit that reaches the store long after its sender has given up waiting.
struct LateCommit {
  std::int64_t at_ms = 0;
  std::vector<pipeline::PartitionCommit> commits;
  Part part = Part::all;
};

struct Surroundings {
  Surroundings(std::uint64_t seed, Mutation mutation, std::ostream* out)
      : random{seed},
        scenario{random, mutation},
        stream{scenario.stream, random},
        store{mutation, random},
        witness{stream, scenario.start_at_end},
        trace{out} {
    group.partitions.resize(stream.partitions().size());
  }

  [[nodiscard]] pipeline::TimePoint now() const {
    return pipeline::TimePoint{std::chrono::milliseconds{now_ms}};
  }
  [[nodiscard]] bool mutated(Mutation mutation) const {
    return scenario.mutation == mutation;
  }
  /// True once in `n` times while faults are on.
  bool strikes(std::uint32_t n) {
    return chaos && random.once_in(n);
  }
  /// `text` makes the line; it is not called unless there is someone to read it.
  template <class Text>
  void note(const Text& text) {
    if (trace != nullptr) {
      *trace << now_ms << " ms: " << text() << '\n';
    }
  }

  Random random;
  Scenario scenario;
  std::int64_t now_ms = 0;
  bool chaos = true;
  bool failed_over = false;  ///< The store went back while engines were alive: they may find it impossible.
  std::int64_t store_down_until_ms = 0;
  Stream stream;
  Store store;
  Witness witness;
  Group group;
  std::vector<LateCommit> late;
  std::ostream* trace;
};

}  // namespace alluvium::simulation
