// SPDX-License-Identifier: Apache-2.0
#include "config/schema.hpp"

#include <string>

#include "config/keys.hpp"
#include "pipeline/json_text.hpp"

namespace alluvium::config {
namespace {

using pipeline::JsonText;

constexpr std::string_view expansion_pattern = R"(\$\{)";

void write_section(JsonText& json, std::string_view path);

void write_or_expansion(JsonText& json) {
  json.object().field("type", "string").field("pattern", expansion_pattern).end();
}

void write_quantity(JsonText& json, const Key& key) {
  json.key("anyOf").array();
  json.object().field("type", key.kind == Kind::count ? "integer" : "number");
  json.field("minimum", key.min).field("maximum", key.max).end();
  write_or_expansion(json);
  json.end();
}

void write_with_unit(JsonText& json, std::string_view units) {
  json.key("anyOf").array();
  json.object().field("const", 0).end();
  json.object().field("type", "string").field("pattern", "^[0-9]+(" + std::string{units} + ")$").end();
  write_or_expansion(json);
  json.end();
}

void write_choices(JsonText& json, const Key& key) {
  json.key("anyOf").array();
  json.object().key("enum").array();
  for (const auto choice : choices_of(key)) {
    json.value(choice);
  }
  json.end().end();
  write_or_expansion(json);
  json.end();
}

void write_scalar_types(JsonText& json) {
  json.key("type").array().value("string").value("number").value("boolean").end();
}

void write_texts(JsonText& json) {
  json.key("anyOf").array();
  json.object().field("type", "array").key("items").object();
  write_scalar_types(json);
  json.end().end();
  json.object();
  write_scalar_types(json);
  json.end().end();
}

void write_type(JsonText& json, const Key& key) {
  switch (key.kind) {
    case Kind::section:
      return write_section(json, key.path);
    case Kind::text:
      return key.choices.empty() ? write_scalar_types(json) : write_choices(json, key);
    case Kind::choice:
      return write_choices(json, key);
    case Kind::flag:
      json.key("anyOf").array().object().field("type", "boolean").end();
      write_or_expansion(json);
      json.end();
      return;
    case Kind::count:
    case Kind::number:
      return write_quantity(json, key);
    case Kind::size:
      return write_with_unit(json, "B|KiB|MiB|GiB|TiB|KB|MB|GB|TB");
    case Kind::duration:
      return write_with_unit(json, "ms|s|m|h|d");
    case Kind::texts:
      return write_texts(json);
    case Kind::properties:
      json.key("type").array().value("object").value("null").end().key("additionalProperties").object();
      write_scalar_types(json);
      json.end();
      return;
    case Kind::rules:
      json.key("type").array().value("array").value("null").end().key("items").object();
      write_section(json, "rules.*");
      json.end();
      return;
    case Kind::later:
      return;
  }
}

void write_key(JsonText& json, const Key& key) {
  if (key.kind == Kind::later) {
    json.value(false);
    return;
  }
  json.object().field("description", key.doc);
  write_type(json, key);
  if (key.kind != Kind::section && key.kind != Kind::rules) {
    if (const auto text = format_default(key); !text.empty() && key.kind != Kind::properties) {
      // A default is YAML in one line, which is JSON once a bare word is quoted.
      const bool is_json =
          text.front() == '"' || key.kind == Kind::flag || key.kind == Kind::count || key.kind == Kind::number;
      json.key("default");
      if (text == "[]" || text == "[\"*\"]" || is_json) {
        json.raw(text);
      } else {
        json.value(text);
      }
    }
  }
  json.end();
}

void write_section(JsonText& json, std::string_view path) {
  const bool is_rule = path == "rules.*";
  const bool may_be_empty = !is_rule;
  json.key("type").array().value("object");
  if (may_be_empty) {
    json.value("null");
  }
  json.end().key("properties").object();
  const Key* any = nullptr;
  for (const auto& key : keys()) {
    if (key.parent() == path && key.path != path) {
      if (key.name() == "*") {
        any = &key;
        continue;
      }
      json.key(key.name());
      write_key(json, key);
    }
  }
  if (is_rule) {
    json.key("memoryType").object().field("description", "The same as memory_type.").end();
    json.key("isActive").object().field("description", "The same as active.").end();
  }
  json.end().key("additionalProperties");
  if (any == nullptr) {
    json.value(false);
  } else {
    write_key(json, *any);
  }
  json.key("required").array();
  for (const auto& key : keys()) {
    if (key.required && key.parent() == path && format_default(key).empty()) {
      json.value(key.name());
    }
  }
  json.end();
}

std::string write_schema() {
  JsonText json;
  json.object()
      .field("$schema", "https://json-schema.org/draft/2020-12/schema")
      .field("title", "Alluvium's configuration");
  write_section(json, {});
  json.end();
  return json.text();
}

}  // namespace

std::string_view config_schema() {
  static const auto text = write_schema();
  return text;
}

}  // namespace alluvium::config
