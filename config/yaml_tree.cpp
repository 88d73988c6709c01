// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_tree.hpp"

#include <algorithm>
#include <exception>
#include <map>
#include <optional>
#include <sstream>

#include <simdjson.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "config/units.hpp"

namespace alluvium::config {
namespace {

int line_of(const YAML::Mark& mark) {
  return mark.line + 1;
}

/// What is YAML but not a config. Passes through yaml-cpp; read_yaml() catches it.
class Refused final : public YAML::ParserException {
 public:
  using ParserException::ParserException;
};

/// Builds the tree from yaml-cpp's events.
class TreeBuilder final : public YAML::EventHandler {
 public:
  Node root;

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) {
      throw Refused{mark, "want one document: nothing after ---"};
    }
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add({.kind = Node::Kind::null, .line = line_of(mark), .text = {}, .items = {}, .members = {}}, mark, anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                const std::string& value) override {
    add({.kind = Node::Kind::scalar, .line = line_of(mark), .text = value, .items = {}, .members = {}}, mark, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchored_.find(anchor);
    if (found == anchored_.end()) {
      throw Refused{mark, "an alias can't stand inside what it names"};
    }
    count(found->second, open_.size(), mark);
    place(found->second, mark);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(Node::Kind::list, mark, anchor);
  }
  void OnSequenceEnd() override {
    close();
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(Node::Kind::map, mark, anchor);
  }
  void OnMapEnd() override {
    close();
  }

 private:
  struct Open {
    Node node;
    YAML::Mark mark;
    YAML::anchor_t anchor;
    bool has_key;
    std::string key;
    int key_line;
  };

  void open(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    Node node{.kind = kind, .line = line_of(mark), .text = {}, .items = {}, .members = {}};
    count(node, open_.size(), mark);
    open_.push_back({std::move(node), mark, anchor, false, {}, 0});
  }
  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    remember(done.node, done.mark, done.anchor);
    place(std::move(done.node), done.mark);
  }
  void add(Node node, const YAML::Mark& mark, YAML::anchor_t anchor) {
    count(node, open_.size(), mark);
    remember(node, mark, anchor);
    place(std::move(node), mark);
  }
  void remember(const Node& node, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) {
      count(node, open_.size(), mark);
      anchored_[anchor] = node;
    }
  }
  void place(Node node, const YAML::Mark& mark) {
    if (open_.empty()) {
      root = std::move(node);
      return;
    }
    auto& parent = open_.back();
    if (parent.node.kind == Node::Kind::list) {
      parent.node.items.push_back(std::move(node));
    } else if (parent.has_key) {
      parent.node.members.push_back({std::move(parent.key), parent.key_line, std::move(node)});
      parent.has_key = false;
    } else if (node.kind == Node::Kind::scalar) {
      parent.key = std::move(node.text);
      parent.key_line = line_of(mark);
      parent.has_key = true;
    } else {
      throw Refused{mark, "want a plain word as the key"};
    }
  }
  /// Counts a whole subtree, which an alias brings at once.
  void count(const Node& node, std::size_t depth, const YAML::Mark& mark) {
    if (depth >= yaml_depth_max) {
      throw Refused{mark, "nested deeper than " + std::to_string(yaml_depth_max) + " levels"};
    }
    text_bytes_ += node.text.size();
    if (++nodes_ > yaml_nodes_max || text_bytes_ > yaml_text_bytes_max) {
      throw Refused{mark, "too much content, with what aliases repeat: want at most " + std::to_string(yaml_nodes_max) +
                              " values and " + format_size(yaml_text_bytes_max)};
    }
    for (const auto& item : node.items) {
      count(item, depth + 1, mark);
    }
    for (const auto& member : node.members) {
      text_bytes_ += member.key.size();
      count(member.value, depth + 1, mark);
    }
  }

  int documents_ = 0;
  std::size_t nodes_ = 0;
  std::size_t text_bytes_ = 0;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Node> anchored_;
};

/// yaml-cpp takes the byte 4 for the end of the file and would drop the rest without a word.
std::optional<YamlFault> check_characters(const std::string& text) {
  const auto is_control = [](char c) {
    return (c >= 0 && c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == '\x7f';
  };
  const auto bad = std::ranges::find_if(text, is_control);
  if (bad != text.end()) {
    return YamlFault{static_cast<int>(std::count(text.begin(), bad, '\n')) + 1, "a control character"};
  }
  if (!simdjson::validate_utf8(text.data(), text.size())) {
    return YamlFault{1, "want UTF-8"};
  }
  return std::nullopt;
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  const auto found = std::ranges::find(members, key, &Member::key);
  return found == members.end() ? nullptr : &found->value;
}

tl::expected<Node, YamlFault> read_yaml(const std::string& text) {
  if (text.size() > yaml_bytes_max) {
    return tl::unexpected{YamlFault{1, "want at most " + format_size(yaml_bytes_max)}};
  }
  if (auto fault = check_characters(text)) {
    return tl::unexpected{std::move(*fault)};
  }
  try {
    std::istringstream stream{text};
    YAML::Parser parser{stream};
    TreeBuilder builder;
    while (parser.HandleNextDocument(builder)) {
    }
    return std::move(builder.root);
  } catch (const Refused& error) {
    return tl::unexpected{YamlFault{line_of(error.mark), error.msg}};
  } catch (const YAML::Exception& error) {
    return tl::unexpected{YamlFault{std::max(1, line_of(error.mark)), "not valid YAML: " + error.msg}};
  } catch (const std::exception& error) {
    return tl::unexpected{YamlFault{1, std::string{"not valid YAML: "} + error.what()}};
  }
}

}  // namespace alluvium::config
