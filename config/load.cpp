// SPDX-License-Identifier: Apache-2.0
// The order in which a config comes together: defaults, profile, preset, the file, what follows from it.
#include <algorithm>
#include <array>
#include <limits>
#include <tuple>

#include "config/check_models.hpp"
#include "config/config.hpp"
#include "config/expand.hpp"
#include "config/key_tables.hpp"
#include "config/reader.hpp"
#include "config/rule_file.hpp"
#include "config/secrets.hpp"
#include "config/yaml_tree.hpp"
#include "pipeline/presets.hpp"

namespace alluvium::config {
namespace {

std::size_t bytes(double value) {
  return static_cast<std::size_t>(value);
}

void apply_profile(const pipeline::Profile& profile, Config& config) {
  config.memory_limit_bytes = profile.memory_mb << 20U;
  config.engine.workers = profile.concurrent;
  config.retry.delay = std::chrono::seconds{5};
  config.retry.jitter = false;
  config.retry.fallback_batch_size = 2;
}

void apply_preset(const pipeline::Preset& preset, Config& config) {
  auto& buffer = config.engine.buffer;
  buffer.max_messages = preset.max_messages;
  buffer.min_messages = preset.min_messages;
  buffer.idle_timeout = preset.idle_timeout;
  config.engine.extraction.filters = preset.filters;
  config.selection.rate = preset.rate;
  config.small.enabled = preset.small_model;
  config.premium.enabled = preset.premium_model;
  config.rules = preset.rules;
  config.rule_lines.assign(config.rules.size(), 0);
}

/// The file names the preset and the profile, and wins over what they set: so it is read twice, the
/// first time only for these names.
void start_from_names(const Node& root, const std::string& name, const Environment& environment, Config& config) {
  Loaded first;
  Reader{name, environment, first}.read_config(root);
  if (const auto* profile = pipeline::find_profile(first.config.profile)) {
    apply_profile(*profile, config);
  }
  if (const auto* preset = pipeline::find_preset(first.config.preset)) {
    apply_preset(*preset, config);
  }
}

template <class Known>
std::string names_of(const Known& known) {
  std::string out;
  for (const auto& each : known) {
    out.append(out.empty() ? "" : ", ").append(each.name);
  }
  return out;
}

void check_names(Reader& reader, Config& config) {
  if (!config.preset.empty()) {
    if (const auto* preset = pipeline::find_preset(config.preset)) {
      config.preset = preset->name;
    } else {
      reader.fault(reader.line_of("preset"), "preset", "want one of " + names_of(pipeline::presets()));
    }
  }
  if (!config.profile.empty()) {
    if (const auto* profile = pipeline::find_profile(config.profile)) {
      config.profile = profile->name;
    } else {
      reader.fault(reader.line_of("profile"), "profile", "want one of " + names_of(pipeline::profiles()));
    }
  }
}

/// Values that depend on others, unless they are given.
void derive(const Reader& reader, Config& config) {
  auto& buffer = config.engine.buffer;
  if (!reader.given("buffer.min_messages")) {
    buffer.min_messages = std::min(buffer.min_messages, buffer.max_messages);
  }
  if (!reader.given("buffer.max_hold")) {
    buffer.max_hold = std::max(buffer.max_hold, buffer.idle_timeout);
  }
  if (!config.selection.use_case.empty() && !reader.given("selection.rate")) {
    config.selection.rate = pipeline::rate_for_use(config.selection.use_case);
  }
  // A commit may wait for another process's lock: that is no stall.
  config.engine.stall_patience =
      std::max(config.engine.stall_patience, 2 * config.sqlite.busy_timeout + std::chrono::seconds{10});
  if (auto* kafka = std::get_if<connectors::KafkaSourceOptions>(&config.source)) {
    config.engine.start_at_end = kafka->start_at_end;
    if (!reader.given("source.kafka.prefetch_bytes")) {
      kafka->queue_bytes_max = bytes(1 * gib);
    }
  }
  share_out_memory(config, config.memory_limit_bytes, reader.given("source.kafka.prefetch_bytes"));
}

void check_source(Reader& reader) {
  const bool kafka = reader.given("source.kafka");
  const bool file = reader.given("source.file");
  if (kafka == file) {
    reader.fault(reader.line_of("source"), "source", kafka ? "give kafka or file, not both" : "give kafka or file");
  }
}

void check_fields(Reader& reader, const pipeline::FieldMapping& fields) {
  using pipeline::FieldMapping;
  struct Field {
    const char* key;
    std::string FieldMapping::*pointer;
  };
  constexpr std::array all{
      Field{"messages", &FieldMapping::messages},   Field{"id", &FieldMapping::id},
      Field{"agent_id", &FieldMapping::agent_id},   Field{"session_id", &FieldMapping::session_id},
      Field{"user_id", &FieldMapping::user_id},     Field{"org_id", &FieldMapping::org_id},
      Field{"role", &FieldMapping::role},           Field{"content", &FieldMapping::content},
      Field{"timestamp", &FieldMapping::timestamp},
  };
  for (const auto& field : all) {
    const auto path = std::string{"source.fields."} + field.key;
    if (reader.given(path)) {
      pipeline::Decoder::Options one;
      one.fields.*field.pointer = fields.*field.pointer;
      if (const auto made = pipeline::Decoder::make(one); !made) {
        // Not the decoder's own words: they quote the beginning of the value, which may be a secret's.
        reader.fault(reader.line_of(path), path,
                     "want a JSON pointer of at most 1024 bytes: it begins with /, and ~ is written ~0, / ~1");
      }
    }
  }
}

/// What the components themselves refuse, and what does not fit together.
void check_limits(Reader& reader, const Config& config) {
  if (const auto made = pipeline::BatchPolicy::make(config.engine.buffer); !made) {
    const auto& detail = made.error().detail;
    const auto colon = std::min(detail.find(": "), detail.size());
    const auto key = detail.substr(0, colon);
    const int line = reader.line_of(key);
    reader.fault(line != 0 ? line : reader.line_of("buffer"), key, detail.substr(std::min(colon + 2, detail.size())));
  }
  if (config.engine.decoder.message_bytes_max > config.engine.credit_bytes) {
    reader.fault(reader.line_of("messages.max_bytes"), "messages.max_bytes",
                 "want at most a quarter of memory.limit, and a third of what it has beyond 40MiB");
  }
}

/// In the order of the file; what is of another file comes after.
void finish(const std::string& name, Loaded& out) {
  for (auto* list : {&out.faults, &out.warnings}) {
    std::ranges::stable_sort(*list, {}, [&](const Fault& fault) {
      return std::tuple{fault.file != name, std::max(fault.line, 1)};
    });
    for (auto& fault : *list) {
      fault.key = scrub(std::move(fault.key), out.secrets);
      fault.reason = scrub(std::move(fault.reason), out.secrets);
    }
  }
}

}  // namespace

std::string Fault::text() const {
  auto out = file + ':' + std::to_string(std::max(line, 1)) + ": " + (key.empty() ? key : key + ": ") + reason;
  // What a file says must not move the cursor of a terminal, nor begin a line of its own.
  std::ranges::replace_if(
      out, [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, '?');
  return out;
}

void share_out_memory(Config& config, std::size_t limit, bool prefetch_is_given) {
  config.memory_limit_bytes = limit;
  config.engine.memory_limit = static_cast<std::int64_t>(limit);
  const auto free = limit - std::min(limit, bytes(40 * mib));  // The engine by itself takes 36 MB.
  config.engine.credit_bytes = std::min({free / 3, limit / 4, bytes(4 * gib)});
  config.sqlite.cache_bytes = std::min(free / 8, config.sqlite.cache_bytes);
  if (auto* kafka = std::get_if<connectors::KafkaSourceOptions>(&config.source);
      kafka != nullptr && !prefetch_is_given) {
    kafka->queue_bytes_max = std::min(free / 8, kafka->queue_bytes_max);
  }
}

Loaded parse(const std::string& yaml, const std::string& name, const Environment& environment, bool lenient_rules) {
  Loaded out;
  out.config.rules_file = name;
  const auto root = read_yaml(yaml);
  if (!root) {
    out.faults.push_back({.file = name, .line = root.error().line, .key = "yaml", .reason = root.error().reason});
    return out;
  }
  out.config.rules_file.clear();
  start_from_names(*root, name, environment, out.config);
  Reader reader{name, environment, out};
  reader.read_config(*root);
  check_names(reader, out.config);
  check_source(reader);
  check_fields(reader, out.config.engine.decoder.fields);
  const auto labels = read_rules(reader, name, environment, out);
  derive(reader, out.config);
  check_limits(reader, out.config);
  check_models(reader, out.config);
  check_rules(labels, lenient_rules, out);
  finish(name, out);
  return out;
}

Loaded load(const std::string& path, const Environment& environment, bool lenient_rules) {
  const auto text = read_file(path, yaml_bytes_max);
  if (text) {
    return parse(*text, path, environment, lenient_rules);
  }
  Loaded out;
  out.faults.push_back({.file = path, .line = 0, .key = "file", .reason = text.error().detail});
  return out;
}

}  // namespace alluvium::config
