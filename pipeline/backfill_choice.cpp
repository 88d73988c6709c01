// SPDX-License-Identifier: Apache-2.0
#include "pipeline/backfill_choice.hpp"

#include <algorithm>
#include <utility>

namespace alluvium::pipeline {

BackfillChoice choose_backfill(std::vector<SkippedWork> work, std::optional<Money> budget) {
  std::erase_if(work, [](const SkippedWork& one) { return one.messages == 0; });
  std::ranges::sort(work, [](const SkippedWork& one, const SkippedWork& other) {
    return std::pair{-one.score, one.batch} < std::pair{-other.score, other.batch};
  });
  BackfillChoice choice;
  for (const auto& one : work) {
    if (budget && choice.cost.pico + one.cost.pico > budget->pico) {
      break;
    }
    choice.batches.push_back(one.batch);
    choice.messages += one.messages;
    choice.cost += one.cost;
  }
  std::ranges::sort(choice.batches);
  return choice;
}

}  // namespace alluvium::pipeline
