// SPDX-License-Identifier: Apache-2.0
#include "pipeline/token_estimate.hpp"

#include <algorithm>
#include <cmath>

namespace alluvium::pipeline {

namespace {

constexpr double alpha = 0.1;  // The weight of the newest call.
constexpr double bytes_per_token_min = 1;
constexpr double bytes_per_token_max = 8;
constexpr double margin = 1.25;  // On top of an estimate that money is reserved by.
constexpr std::int64_t few_samples = 10;

/// Also what a damaged store might give, NaN included.
double within_bounds(double bytes_per_token) {
  return bytes_per_token >= bytes_per_token_min ? std::min(bytes_per_token, bytes_per_token_max) : bytes_per_token_min;
}

/// Rounded up, not negative; 2^53 tokens are more than anybody sends.
std::int64_t whole_tokens(double tokens) {
  return static_cast<std::int64_t>(std::ceil(std::clamp(tokens, 0.0, 9'007'199'254'740'992.0)));
}

double tokens_in(std::int64_t bytes, double bytes_per_token) {
  return static_cast<double>(std::max<std::int64_t>(bytes, 0)) / within_bounds(bytes_per_token);
}

}  // namespace

void TokenCalibration::learn(std::int64_t bytes, const TokenUsage& usage) {
  if (bytes <= 0 || usage.prompt <= 0) {
    return;
  }
  const double seen = within_bounds(static_cast<double>(bytes) / static_cast<double>(usage.prompt));
  const double before = within_bounds(bytes_per_token);
  // A denser text than thought is believed at once: money is set aside by it.
  bytes_per_token = seen < before ? seen : within_bounds(before + alpha * (seen - before));
  ++samples;
}

std::int64_t TokenCalibration::prompt_tokens(std::int64_t bytes) const {
  return whole_tokens(tokens_in(bytes, bytes_per_token));
}

TokenUsage reserve_tokens(const TokenCalibration& calibration, std::int64_t bytes, std::int64_t max_tokens) {
  auto prompt = whole_tokens(margin * tokens_in(bytes, calibration.bytes_per_token));
  if (calibration.samples < few_samples) {
    prompt = std::max(prompt, whole_tokens(tokens_in(bytes, 4)));
  }
  return {.prompt = prompt, .completion = std::max<std::int64_t>(max_tokens, 0)};
}

}  // namespace alluvium::pipeline
