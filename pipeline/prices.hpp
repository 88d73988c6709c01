// SPDX-License-Identifier: Apache-2.0
// What models cost, from a file in the schema of LiteLLM's model_prices_and_context_window.json.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/error.hpp"
#include "pipeline/model_reply.hpp"
#include "pipeline/money.hpp"

namespace alluvium::pipeline {

inline constexpr std::size_t price_file_bytes_max = std::size_t{32} << 20;

/// Of one token each. A positive one is a picodollar at least.
struct ModelPrice {
  Money input, output;
  std::optional<Money> cache_read, cache_write;    ///< Absent: as input.
  std::optional<Money> batch_input, batch_output;  ///< In the provider's batch jobs.
  bool batch_is_assumed = false;  ///< Not in the file: half of the others, for openai, anthropic and mistral.
  std::string provider;           ///< litellm_provider
};

/// Cost of one call. Unknown prices are no price: the caller says "unknown". In a job a model without a job's price
/// costs what it costs else, and what the cache does costs half if the job's input does: never less than it is.
[[nodiscard]] Money cost_of(const ModelPrice& price, const TokenUsage& usage, bool in_batch_job);

class PriceList {
 public:
  /// Skips sample_spec, entries without token prices (numbers within 0 and $1; embeddings have no output) and keys it
  /// does not know. `invalid_config` if it is not such a file,
  /// or longer than price_file_bytes_max.
  [[nodiscard]] static Result<PriceList> parse(std::string_view json);
  /// The list that ships (default_prices_json below): a few models, dated.
  [[nodiscard]] static const PriceList& shipped();

  /// By exact name; else by "provider/name" if exactly one entry ends so; else, a dated or tagged name
  /// ("gpt-4o-2026-01-01", "mistral-small:latest") by what stands before the date or tag. Null if unknown.
  [[nodiscard]] const ModelPrice* find(std::string_view model) const;
  [[nodiscard]] std::size_t size() const {
    return prices_.size();
  }

 private:
  std::map<std::string, ModelPrice, std::less<>> prices_;
};

/// The list that ships, as a file: chat models only.
[[nodiscard]] std::string_view default_prices_json();
/// As of when the shipped prices were read: "2026-11-21".
[[nodiscard]] std::string_view shipped_prices_date();

}  // namespace alluvium::pipeline
