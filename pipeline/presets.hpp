// SPDX-License-Identifier: Apache-2.0
// Named starting points: buffer, rate, tiers, filters and rules for a kind of use.
#pragma once

#include <chrono>
#include <span>
#include <string_view>
#include <vector>

#include "pipeline/noise_filter.hpp"
#include "pipeline/rules.hpp"

namespace alluvium::pipeline {

/// What a preset expects of a batch; `report` compares it with what came out.
struct ExpectedOutput {
  int memories_per_batch = 0;  ///< 0: the preset does not say.
  int tokens_per_memory = 0;
  std::vector<std::string_view> focus;
};

struct Preset {
  std::string_view name;
  std::string_view description;
  std::size_t max_messages;
  std::size_t min_messages;
  std::chrono::minutes idle_timeout;
  double rate;  ///< Share that may reach a model.
  bool small_model;
  bool premium_model;
  FilterOptions filters;
  std::vector<Rule> rules;
  ExpectedOutput expected;
};

/// A deployment profile of the batch processor.
struct Profile {
  std::string_view name;
  std::size_t batch_size;
  std::size_t concurrent;
  std::size_t memory_mb;
  std::size_t checkpoint_every;  ///< Batches.
};

[[nodiscard]] std::span<const Preset> presets();
[[nodiscard]] std::span<const Profile> profiles();
/// Null if there is none of that name.
[[nodiscard]] const Preset* find_preset(std::string_view name);
[[nodiscard]] const Profile* find_profile(std::string_view name);

struct UseRate {
  std::string_view use;
  double rate;
};
[[nodiscard]] std::span<const UseRate> use_rates();
/// The extraction rate for a kind of use; 0.2 for one that is not listed.
[[nodiscard]] double rate_for_use(std::string_view use);

}  // namespace alluvium::pipeline
