// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/campaign.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

#include "tests/simulation/world.hpp"

namespace alluvium::simulation {

namespace {

thread_local std::uint64_t seed_at_work = 0;

}  // namespace

std::uint64_t current_seed() {
  return seed_at_work;
}

CampaignResult run_campaign(const CampaignOptions& options) {
  std::atomic<std::uint64_t> next{0};
  std::atomic<bool> enough{false};
  const auto work = [&](CampaignResult& result) {
    for (auto i = next.fetch_add(1); i < options.seeds && !enough; i = next.fetch_add(1)) {
      const auto seed = options.first + i;
      seed_at_work = seed;
      auto verdict = run(seed, options.mutation);
      ++result.seeds;
      result.steps += static_cast<std::uint64_t>(verdict.steps);
      if (verdict.failed()) {
        ++result.failed;
        enough = options.stop_at_first;
        if (result.failures.size() < CampaignResult::failures_max) {
          result.failures.push_back({seed, std::move(verdict.fault)});
        }
      }
    }
  };
  std::vector<CampaignResult> parts(std::max(1U, options.threads));
  {
    std::vector<std::jthread> threads;
    for (auto& part : parts) {
      threads.emplace_back([&] { work(part); });
    }
  }
  CampaignResult all;
  for (auto& part : parts) {
    all.seeds += part.seeds;
    all.steps += part.steps;
    all.failed += part.failed;
    std::move(part.failures.begin(), part.failures.end(), std::back_inserter(all.failures));
  }
  std::sort(all.failures.begin(), all.failures.end(), [](const auto& a, const auto& b) { return a.seed < b.seed; });
  all.failures.resize(std::min(all.failures.size(), CampaignResult::failures_max));
  return all;
}

}  // namespace alluvium::simulation
