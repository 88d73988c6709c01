// SPDX-License-Identifier: Apache-2.0
#include "pipeline/presets.hpp"

#include <algorithm>
#include <array>

namespace alluvium::pipeline {
namespace {

using std::chrono::minutes;

Preset customer_support() {
  return {.name = "customer-support",
          .description = "Tickets and help chats: problems with accounts, wishes for features.",
          .max_messages = 20,
          .min_messages = 5,
          .idle_timeout = minutes{60},
          .rate = 0.3,
          .small_model = true,
          .premium_model = false,
          .filters = {},
          .rules = {{.id = "account-issues",
                     .name = "Account Problems",
                     .pattern = "(account|login|password|billing).*(problem|issue|error|failed)",
                     .memory_type = MemoryType::episodic,
                     .importance = 0.9,
                     .keywords = {"account", "technical-issue"}},
                    {.id = "feature-requests",
                     .name = "Feature Requests",
                     .pattern = "(need|want|wish|request).*(feature|functionality)",
                     .memory_type = MemoryType::semantic,
                     .importance = 0.7,
                     .keywords = {"feature-request", "feedback"}}},
          .expected = {}};
}

Preset therapy() {
  return {.name = "therapy",
          .description = "Personal conversations: states of mind and what helps. Small batches, both models.",
          .max_messages = 8,
          .min_messages = 3,
          .idle_timeout = minutes{30},
          .rate = 0.6,
          .small_model = true,
          .premium_model = true,
          .filters = {},
          .rules = {{.id = "emotional-states",
                     .name = "Emotional States",
                     .pattern = "(I feel|feeling|emotion).*(sad|happy|angry|anxious|depressed|excited)",
                     .memory_type = MemoryType::episodic,
                     .importance = 0.95,
                     .keywords = {"emotion", "mental-state"}},
                    {.id = "coping-strategies",
                     .name = "Coping Mechanisms",
                     .pattern = "(helps me|cope|manage).*(stress|anxiety|depression)",
                     .memory_type = MemoryType::procedural,
                     .importance = 0.9,
                     .keywords = {"coping", "strategy"}}},
          .expected = {}};
}

Preset conservative() {
  return {.name = "conservative",
          .description = "The cheapest: only what is plainly worth keeping.",
          .max_messages = 20,
          .min_messages = 5,
          .idle_timeout = minutes{60},
          .rate = 0.2,
          .small_model = true,
          .premium_model = false,
          .filters = {.min_message_length = 50, .skip_greetings = true, .skip_confirmations = true},
          .rules = {},
          .expected = {.memories_per_batch = 4, .tokens_per_memory = 25, .focus = {"facts", "preferences", "goals"}}};
}

// The documents name the switches that a preset turns on; the others are off in it.
Preset balanced() {
  return {
      .name = "balanced",
      .description = "Facts and feelings at a moderate price.",
      .max_messages = 20,
      .min_messages = 5,
      .idle_timeout = minutes{60},
      .rate = 0.4,
      .small_model = true,
      .premium_model = false,
      .filters = {.min_message_length = 30,
                  .skip_greetings = false,
                  .skip_confirmations = false,
                  .include_emotions = true},
      .rules = {},
      .expected = {
          .memories_per_batch = 8, .tokens_per_memory = 100, .focus = {"facts", "emotions", "patterns", "context"}}};
}

Preset comprehensive() {
  return {.name = "comprehensive",
          .description = "Nearly everything, with both models.",
          .max_messages = 15,
          .min_messages = 3,
          .idle_timeout = minutes{30},
          .rate = 0.6,
          .small_model = true,
          .premium_model = true,
          .filters = {.min_message_length = 20,
                      .skip_greetings = false,
                      .skip_confirmations = false,
                      .capture_everything = true},
          .rules = {},
          .expected = {
              .memories_per_batch = 12, .tokens_per_memory = 160, .focus = {"everything", "relationships", "nuance"}}};
}

Preset maximum() {
  return {
      .name = "maximum",
      .description = "A complete record: small batches, both models, no filter.",
      .max_messages = 10,
      .min_messages = 2,
      .idle_timeout = minutes{15},
      .rate = 0.8,
      .small_model = true,
      .premium_model = true,
      .filters = {.min_message_length = 10, .skip_greetings = false, .skip_confirmations = false, .no_filtering = true},
      .rules = {},
      .expected = {
          .memories_per_batch = 16, .tokens_per_memory = 200, .focus = {"complete_record", "verbatim", "forensic"}}};
}

constexpr std::array all_profiles{
    Profile{.name = "development", .batch_size = 2, .concurrent = 1, .memory_mb = 256, .checkpoint_every = 3},
    Profile{.name = "production", .batch_size = 3, .concurrent = 2, .memory_mb = 512, .checkpoint_every = 5},
    Profile{.name = "high-memory", .batch_size = 5, .concurrent = 3, .memory_mb = 1024, .checkpoint_every = 10}};

constexpr std::array all_use_rates{UseRate{"support", 0.3},     UseRate{"therapy", 0.6},
                                   UseRate{"education", 0.5},   UseRate{"research", 0.8},
                                   UseRate{"casual-chat", 0.2}, UseRate{"business-intelligence", 0.4}};
constexpr double rate_otherwise = 0.2;

/// The documents use both a long and a short word for some of these.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> profile_aliases{
    {{"dev", "development"}, {"prod", "production"}, {"high", "high-memory"}}};

}  // namespace

std::span<const Preset> presets() {
  static const std::array all{customer_support(), therapy(), conservative(), balanced(), comprehensive(), maximum()};
  return all;
}

std::span<const Profile> profiles() {
  return all_profiles;
}

std::span<const UseRate> use_rates() {
  return all_use_rates;
}

const Preset* find_preset(std::string_view name) {
  const auto wanted = name == "support" ? std::string_view{"customer-support"} : name;
  const auto all = presets();
  const auto found = std::ranges::find(all, wanted, &Preset::name);
  return found == all.end() ? nullptr : &*found;
}

const Profile* find_profile(std::string_view name) {
  const auto* alias = std::ranges::find(profile_aliases, name, [](const auto& pair) { return pair.first; });
  const auto wanted = alias == profile_aliases.end() ? name : alias->second;
  const auto* found = std::ranges::find(all_profiles, wanted, &Profile::name);
  return found == all_profiles.end() ? nullptr : &*found;
}

double rate_for_use(std::string_view use) {
  const auto wanted = use == "customer-support" ? std::string_view{"support"} : use;
  const auto* found = std::ranges::find(all_use_rates, wanted, &UseRate::use);
  return found == all_use_rates.end() ? rate_otherwise : found->rate;
}

}  // namespace alluvium::pipeline
