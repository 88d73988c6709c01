// SPDX-License-Identifier: Apache-2.0
#include "pipeline/expectation.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace alluvium::pipeline {
namespace {

struct Made {
  const Memory* memory;
  const std::string* agent_id;
};

bool fits(const ExpectedMemory& expected, const Made& made) {
  constexpr double tolerance = 1e-9;
  const Memory& memory = *made.memory;
  return (!expected.content || *expected.content == memory.content) &&
         (!expected.rule_id || *expected.rule_id == memory.rule_id) &&
         (!expected.agent_id || *expected.agent_id == *made.agent_id) &&
         (!expected.type || *expected.type == memory.type) &&
         (!expected.importance || std::abs(*expected.importance - memory.importance) < tolerance);
}

std::string quoted(std::string_view text) {
  return "\"" + std::string{text} + "\"";
}

std::string described(const ExpectedMemory& expected) {
  std::string text = expected.content ? quoted(*expected.content) : std::string{"any content"};
  text += expected.rule_id ? " by rule " + *expected.rule_id : "";
  text += expected.agent_id ? " of agent " + *expected.agent_id : "";
  text += expected.type ? ", " + std::string{name(*expected.type)} : "";
  text += expected.importance ? ", importance " + std::to_string(*expected.importance) : "";
  return text;
}

std::string described(const Made& made) {
  return quoted(made.memory->content) + " by rule " + made.memory->rule_id + ", " +
         std::string{name(made.memory->type)};
}

// Pairs what is expected with what was made so that as many as possible find a partner: a vague
// expectation must not take the memory that an exact one needs (augmenting paths).
class Pairing {
 public:
  Pairing(const std::vector<ExpectedMemory>& expected, const std::vector<Made>& made)
      : expected_{expected}, made_{made}, partner_(made.size(), none) {}

  void add_differences(std::vector<std::string>& out) {
    for (std::size_t i = 0; i < expected_.size(); ++i) {
      std::vector<bool> seen(made_.size(), false);
      if (!pair(i, seen)) {
        out.push_back("missing: " + described(expected_[i]));
      }
    }
    for (std::size_t i = 0; i < made_.size(); ++i) {
      if (partner_[i] == none) {
        out.push_back("not expected: " + described(made_[i]));
      }
    }
  }

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  bool pair(std::size_t expected, std::vector<bool>& seen) {
    for (std::size_t i = 0; i < made_.size(); ++i) {
      if (seen[i] || !fits(expected_[expected], made_[i])) {
        continue;
      }
      seen[i] = true;
      if (partner_[i] == none || pair(partner_[i], seen)) {
        partner_[i] = expected;
        return true;
      }
    }
    return false;
  }

  const std::vector<ExpectedMemory>& expected_;
  const std::vector<Made>& made_;
  std::vector<std::size_t> partner_;  ///< Per memory made: the expectation it meets.
};

void compare_noise(std::vector<std::string> expected, std::span<const ExtractedBatch> batches,
                   std::vector<std::string>& out) {
  std::vector<std::string> noise;
  for (const auto& done : batches) {
    for (std::size_t i = 0; i < done.outcomes.size(); ++i) {
      if (done.outcomes[i] == Outcome::noise) {
        noise.emplace_back(done.batch[i].id);
      }
    }
  }
  std::ranges::sort(noise);
  std::ranges::sort(expected);
  for (const auto& id : expected) {
    if (!std::ranges::binary_search(noise, id)) {
      out.push_back("message " + id + " should be noise, but is not");
    }
  }
  for (const auto& id : noise) {
    if (!std::ranges::binary_search(expected, id)) {
      out.push_back("message " + id + " is noise, but should not be");
    }
  }
}

}  // namespace

std::vector<std::string> differences(const Expectation& expected, std::span<const ExtractedBatch> batches) {
  std::vector<Made> made;
  for (const auto& done : batches) {
    for (const auto& memory : done.memories) {
      made.push_back({&memory, &done.batch.agent_id()});
    }
  }
  std::vector<std::string> out;
  if (expected.memory_count && *expected.memory_count != made.size()) {
    out.push_back("expected " + std::to_string(*expected.memory_count) + " memories, got " +
                  std::to_string(made.size()));
    for (const auto& one : made) {
      out.push_back("got " + described(one));
    }
  }
  if (expected.memories) {
    Pairing{*expected.memories, made}.add_differences(out);
  }
  if (expected.noise) {
    compare_noise(*expected.noise, batches, out);
  }
  if (out.size() > differences_max) {
    const auto more = out.size() - differences_max;
    out.resize(differences_max);
    out.push_back("and " + std::to_string(more) + " more");
  }
  return out;
}

}  // namespace alluvium::pipeline
