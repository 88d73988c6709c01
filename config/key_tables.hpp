// SPDX-License-Identifier: Apache-2.0
// The parts that keys() is made of, and what their rows have in common.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "config/keys.hpp"

namespace alluvium::config {

/// source, messages, preset, profile, buffer, filters, selection
[[nodiscard]] std::span<const Key> input_keys();
/// rules, rules_file
[[nodiscard]] std::span<const Key> extraction_keys();
/// tiers, endpoints, retry, prices, budget, backlog, batch_jobs
[[nodiscard]] std::span<const Key> model_keys();
/// dedupe, sink, dead_letters, memory, engine, http, log
[[nodiscard]] std::span<const Key> output_keys();

inline constexpr double kib = 1024;
inline constexpr double mib = 1024 * kib;
inline constexpr double gib = 1024 * mib;
inline constexpr double minute = 60'000;
inline constexpr double day = 24 * 60 * minute;

template <auto... Members>
Slot at(Config& config, const std::string& /*name*/) {
  return &(config.*....*Members);
}
template <auto Member>
Slot buffer(Config& config, const std::string& /*name*/) {
  return &(config.engine.buffer.*Member);
}
template <auto Member>
Slot filter(Config& config, const std::string& /*name*/) {
  return &(config.engine.extraction.filters.*Member);
}
template <auto Member>
Slot decoder(Config& config, const std::string& /*name*/) {
  return &(config.engine.decoder.*Member);
}
template <auto Member>
Slot field(Config& config, const std::string& /*name*/) {
  return &(config.engine.decoder.fields.*Member);
}
template <class Source, auto Member>
Slot source(Config& config, const std::string& /*name*/) {
  auto* chosen = std::get_if<Source>(&config.source);
  return chosen == nullptr ? Slot{} : Slot{&(chosen->*Member)};
}
template <auto... Members>
Slot endpoint(Config& config, const std::string& name) {
  return &(config.endpoints[name].*....*Members);
}
template <auto Member>
Slot of_rule(pipeline::Rule& rule) {
  return &(rule.*Member);
}

}  // namespace alluvium::config
