// SPDX-License-Identifier: Apache-2.0
// One YAML file -> the Options of each component. Nothing below app/ knows this struct.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "actors/options.hpp"
#include "connectors/file_source.hpp"
#include "connectors/kafka_source.hpp"
#include "connectors/model_endpoint.hpp"
#include "connectors/sqlite_store.hpp"
#include "pipeline/backoff.hpp"
#include "pipeline/budget.hpp"
#include "pipeline/rules.hpp"
#include "pipeline/tier.hpp"

namespace alluvium::config {

struct TierOptions {
  bool enabled = false;
  std::string endpoint;
  int max_tokens = 0;
  double temperature = 0;
  std::size_t min_messages = 1;
  pipeline::CallMode mode = pipeline::CallMode::call;
  std::string prompt_file;   ///< Empty: the engine's own instructions.
  std::string instructions;  ///< What is in it, or those.
};
struct EndpointConfig {
  connectors::EndpointOptions model;
  std::string input_price, output_price;  ///< USD per million tokens; empty: from the price list.
  bool batch_jobs = false;                ///< Its provider takes batch jobs.
};
/// USD a month, as written; empty: unlimited.
struct BudgetTexts {
  std::string monthly, per_agent, per_org;
};
struct BatchJobOptions {
  std::chrono::milliseconds submit_every{60'000};
  std::chrono::milliseconds poll_every{300'000};
  std::size_t requests_max = 10'000;  ///< In one job.
  bool worker = false;                ///< Another process (alluvium batch-worker) sees to them.
};
struct SelectionOptions {
  double rate = 0.2;                          ///< Share that may reach a model.
  bool by_value = true;                       ///< Else by hash.
  std::map<std::string, std::string> agents;  ///< Name with * and ? -> rate.
  std::size_t batch_messages = 20;
  std::chrono::milliseconds max_wait{7'200'000};
  std::string use_case;  ///< What `rate` was looked up by; empty: none.
};

struct LogOptions {
  std::string level = "info";   ///< trace|debug|info|warn|error|off
  std::string format = "text";  ///< text|json
};

struct Config {
  std::variant<connectors::FileSourceOptions, connectors::KafkaSourceOptions> source;
  std::string preset;   ///< Empty: none.
  std::string profile;  ///< Empty: none.
  std::vector<pipeline::Rule> rules;
  std::vector<int> rule_lines;   ///< Where each rule stands in its file, for messages.
  std::string rules_file;        ///< The file the rules came from (the config itself, if not named).
  actors::EngineOptions engine;  ///< engine.extraction.rules is compiled from `rules`, unless there are faults.
  pipeline::RuleSet::Limits rule_limits;
  SelectionOptions selection;
  TierOptions small{.endpoint = "small",
                    .max_tokens = 300,
                    .temperature = 0.3,
                    .min_messages = 4,
                    .prompt_file = {},
                    .instructions = {}};
  TierOptions premium{.endpoint = "premium",
                      .max_tokens = 800,
                      .temperature = 0.2,
                      .min_messages = 6,
                      .prompt_file = {},
                      .instructions = {}};
  bool both_tiers = false;
  std::map<std::string, EndpointConfig> endpoints;
  pipeline::RetryOptions retry;
  std::string prices_file;  ///< Empty: the list that ships.
  BudgetTexts budget_texts;
  pipeline::BudgetOptions budget;  ///< Made of them.
  std::size_t backlog_requests_max = 100'000;
  std::size_t backlog_bytes_max = std::size_t{1} << 30;
  BatchJobOptions batch_jobs;
  std::string dead_letters_topic;  ///< Without effect yet, like the next one. Empty: none.
  std::string http_listen;         ///< Empty: none.
  connectors::SqliteStoreOptions sqlite;
  std::size_t memory_limit_bytes = std::size_t{512} << 20;
  std::string memory_cgroup;  ///< Empty: the one the process is in.
  LogOptions log;
};

/// One thing wrong with a config, where it stands.
struct Fault {
  std::string file;
  int line = 0;  ///< From 1; 0 if it is missing as a whole.
  std::string key;
  std::string reason;
  [[nodiscard]] std::string text() const;  ///< FILE:LINE: key: reason
};

struct Loaded {
  Config config;                     ///< Usable only if `faults` is empty.
  std::vector<Fault> faults;         ///< All of them, not only the first.
  std::vector<Fault> warnings;       ///< What is understood but has no effect in this version; bad rules.
  std::vector<std::string> secrets;  ///< Values never to be printed.
  /// Keys whose value came out of a ${file:}: printed as "********" whatever they are called.
  std::vector<std::string> secret_keys;
};

using Environment = std::map<std::string, std::string>;

/// Reads, expands ${VAR}, ${VAR:-default}, ${VAR:?message}, ${file:PATH}, fills from the preset,
/// then from the file. A file that can't be read or parsed is a fault. A rule whose pattern RE2
/// refuses is a fault for `check` and a warning for `run` (`lenient_rules`).
[[nodiscard]] Loaded load(const std::string& path, const Environment& environment, bool lenient_rules);

/// Makes `limit` bytes the limit, and shares them out: what may be held, fetched ahead and cached only gets less.
void share_out_memory(Config& config, std::size_t limit, bool prefetch_is_given);
/// The same for text that is already in memory; `name` stands for the file in messages.
[[nodiscard]] Loaded parse(const std::string& yaml, const std::string& name, const Environment& environment,
                           bool lenient_rules);

/// The effective config as YAML that load() reads back the same; secrets as "********".
[[nodiscard]] std::string print(const Loaded& loaded);
/// Every key with its default and a comment: `alluvium config --default`, examples/default.yaml.
[[nodiscard]] const std::string& annotated_default();

}  // namespace alluvium::config
