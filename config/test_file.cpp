// SPDX-License-Identifier: Apache-2.0
#include "config/test_file.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <map>
#include <optional>
#include <string_view>

#include <yaml-cpp/yaml.h>

namespace alluvium::config {
namespace {

constexpr int no_line = 0;

class Reader {
 public:
  Reader(const std::string& name, TestFile& out) : name_{name}, out_{out} {}

  void read(const YAML::Node& root) {
    if (!only_keys(root, "", {"config", "rules_file", "preset", "tests"})) {
      return;
    }
    read_text(root, "config", out_.config);
    read_text(root, "rules_file", out_.rules_file);
    read_text(root, "preset", out_.preset);
    if ((out_.config.empty() ? 0 : 1) + (out_.rules_file.empty() ? 0 : 1) + (out_.preset.empty() ? 0 : 1) != 1) {
      fault(root, "config", "give exactly one of config, rules_file and preset");
    }
    const auto tests = root["tests"];
    if (!tests || !tests.IsSequence() || tests.size() == 0) {
      fault(root, "tests", "must be a list of tests");
      return;
    }
    for (std::size_t i = 0; i < tests.size(); ++i) {
      read_test(tests[i], "tests[" + std::to_string(i) + "]");
    }
  }

  void fault(const YAML::Node& node, const std::string& key, const std::string& reason) {
    const int line = node.Mark().line < 0 ? no_line : node.Mark().line + 1;
    out_.faults.push_back({.file = name_, .line = line, .key = key, .reason = reason});
  }

 private:
  bool only_keys(const YAML::Node& node, const std::string& path, std::initializer_list<std::string_view> allowed) {
    if (!node.IsMap()) {
      fault(node, path.empty() ? name_ : path, "must be a map");
      return false;
    }
    bool good = true;
    for (const auto& pair : node) {
      const auto key = pair.first.IsScalar() ? pair.first.Scalar() : std::string{"?"};
      if (std::find(allowed.begin(), allowed.end(), key) == allowed.end()) {
        fault(pair.first, path.empty() ? key : path + "." + key, "unknown key");
        good = false;
      }
    }
    return good;
  }

  bool read_text(const YAML::Node& map, const std::string& key, std::string& out, const std::string& path = "") {
    const auto node = map[key];
    if (!node) {
      return false;
    }
    if (!node.IsScalar()) {
      fault(node, path.empty() ? key : path + "." + key, "must be text");
      return false;
    }
    out = node.Scalar();
    return true;
  }

  void read_test(const YAML::Node& node, const std::string& path) {
    TestCase test;
    if (!only_keys(node, path, {"name", "messages", "expect"})) {
      return;
    }
    test.line = node.Mark().line + 1;
    test.name = path;
    read_text(node, "name", test.name, path);
    const auto messages = node["messages"];
    if (!messages || !messages.IsSequence() || messages.size() == 0) {
      fault(node, path + ".messages", "must be a list of messages");
      return;
    }
    for (std::size_t i = 0; i < messages.size(); ++i) {
      read_message(messages[i], path + ".messages[" + std::to_string(i) + "]", i + 1, test);
    }
    const auto expect = node["expect"];
    if (!expect || !only_keys(expect, path + ".expect", {"memories", "noise"}) || expect.size() == 0) {
      fault(node, path + ".expect", "must say what is expected: memories, noise or both");
      return;
    }
    read_expected_memories(expect, path + ".expect.memories", test);
    read_expected_noise(expect, path + ".expect.noise", test);
    out_.tests.push_back(std::move(test));
  }

  void read_message(const YAML::Node& node, const std::string& path, std::size_t number, TestCase& test) {
    TestMessage message{.id = std::to_string(number), .content = {}};
    if (node.IsScalar()) {
      message.content = node.Scalar();
    } else if (only_keys(node, path, {"id", "agent_id", "content", "role"})) {
      read_text(node, "id", message.id, path);
      read_text(node, "agent_id", message.agent_id, path);
      read_text(node, "content", message.content, path);
      static const std::map<std::string, pipeline::Role> roles = {{"user", pipeline::Role::user},
                                                                  {"assistant", pipeline::Role::assistant},
                                                                  {"system", pipeline::Role::system},
                                                                  {"tool", pipeline::Role::tool}};
      std::string role = "user";
      read_text(node, "role", role, path);
      const auto found = roles.find(role);
      message.role = found == roles.end() ? pipeline::Role::other : found->second;
    }
    if (message.content.empty()) {
      fault(node, path, "must be text, or a map with content");
    }
    test.messages.push_back(std::move(message));
  }

  void read_expected_memories(const YAML::Node& expect, const std::string& path, TestCase& test) {
    const auto node = expect["memories"];
    if (!node) {
      return;
    }
    if (node.IsScalar()) {
      std::size_t count = 0;
      const auto& text = node.Scalar();
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
      if (error != std::errc{} || end != text.data() + text.size()) {
        fault(node, path, "must be a count or a list");
      }
      test.expected.memory_count = count;
      return;
    }
    if (!node.IsSequence()) {
      fault(node, path, "must be a count or a list");
      return;
    }
    auto& memories = test.expected.memories.emplace();
    for (std::size_t i = 0; i < node.size(); ++i) {
      memories.push_back(read_expected_memory(node[i], path + "[" + std::to_string(i) + "]"));
    }
  }

  pipeline::ExpectedMemory read_expected_memory(const YAML::Node& node, const std::string& path) {
    pipeline::ExpectedMemory memory;
    if (node.IsScalar()) {
      memory.content = node.Scalar();
      return memory;
    }
    if (!only_keys(node, path, {"content", "rule_id", "agent_id", "type", "importance"})) {
      return memory;
    }
    const auto text = [&](const char* key) -> std::optional<std::string> {
      std::string value;
      return read_text(node, key, value, path) ? std::optional{value} : std::nullopt;
    };
    memory.content = text("content");
    memory.rule_id = text("rule_id");
    memory.agent_id = text("agent_id");
    if (const auto type = text("type")) {
      for (const auto each :
           {pipeline::MemoryType::semantic, pipeline::MemoryType::episodic, pipeline::MemoryType::procedural}) {
        if (*type == pipeline::name(each)) {
          memory.type = each;
        }
      }
      if (!memory.type) {
        fault(node["type"], path + ".type", "must be semantic, episodic or procedural");
      }
    }
    if (const auto importance = text("importance")) {
      double value = 0;
      if (!YAML::convert<double>::decode(node["importance"], value)) {
        fault(node["importance"], path + ".importance", "must be a number from 0 to 1");
      }
      memory.importance = value;
    }
    return memory;
  }

  void read_expected_noise(const YAML::Node& expect, const std::string& path, TestCase& test) {
    const auto node = expect["noise"];
    if (!node) {
      return;
    }
    if (!node.IsSequence()) {
      fault(node, path, "must be a list of message ids or numbers");
      return;
    }
    auto& noise = test.expected.noise.emplace();
    for (const auto& item : node) {
      const bool known = item.IsScalar() && std::ranges::any_of(test.messages, [&](const TestMessage& message) {
                           return message.id == item.Scalar();
                         });
      if (!known) {
        fault(item, path, "no message of this test has that id or number");
        continue;
      }
      noise.push_back(item.Scalar());
    }
  }

  const std::string& name_;
  TestFile& out_;
};

}  // namespace

TestFile parse_test_file(const std::string& yaml, const std::string& name) {
  TestFile file;
  Reader reader{name, file};
  try {
    reader.read(YAML::Load(yaml));
  } catch (const YAML::Exception& error) {
    file.faults.push_back({.file = name, .line = error.mark.line + 1, .key = "yaml", .reason = error.msg});
  }
  return file;
}

TestFile load_test_file(const std::string& path) {
  TestFile file;
  std::ifstream in{path, std::ios::binary};
  std::string text(test_file_bytes_max + 1, '\0');
  if (in) {
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
  }
  if (!in.eof() || text.size() > test_file_bytes_max) {
    file.faults.push_back(
        {.file = path, .line = no_line, .key = "file", .reason = in.is_open() ? "is too large" : "can't be read"});
    return file;
  }
  return parse_test_file(text, path);
}

Loaded config_of(const TestFile& file, const std::string& path, const Environment& environment) {
  const auto folder = std::filesystem::absolute(path).parent_path();
  if (!file.config.empty()) {
    return load((folder / file.config).string(), environment, false);
  }
  YAML::Emitter out;
  out << YAML::BeginMap << YAML::Key << "source" << YAML::Value << YAML::BeginMap << YAML::Key << "file" << YAML::Value
      << YAML::BeginMap << YAML::Key << "path" << YAML::Value << "-" << YAML::EndMap << YAML::EndMap;
  if (!file.preset.empty()) {
    out << YAML::Key << "preset" << YAML::Value << file.preset;
  } else {
    out << YAML::Key << "rules_file" << YAML::Value << (folder / file.rules_file).string();
  }
  out << YAML::EndMap;
  return parse(out.c_str(), path, environment, false);
}

}  // namespace alluvium::config
