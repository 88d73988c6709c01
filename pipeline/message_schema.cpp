// SPDX-License-Identifier: Apache-2.0
#include "pipeline/message_schema.hpp"

namespace alluvium::pipeline {

std::string_view message_schema() {
  return R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "Alluvium: chat messages in",
  "description": "The value of a Kafka record, or one line of a file. Fields that are not named here are ignored; null counts as absent.",
  "anyOf": [
    {"$ref": "#/$defs/message"},
    {"$ref": "#/$defs/bundle"},
    {"$ref": "#/$defs/list"},
    {"$ref": "#/$defs/event"}
  ],
  "$defs": {
    "id": {
      "description": "At most 512 bytes and no control characters. An integer counts as text.",
      "type": ["string", "integer", "null"],
      "maxLength": 512,
      "pattern": "^[^\\u0000-\\u001f\\u007f]*$"
    },
    "text": {
      "description": "Not only blanks.",
      "type": "string",
      "pattern": "\\S"
    },
    "part": {
      "description": "Text, or an object with text. Objects without text, such as images, are passed over.",
      "anyOf": [
        {"type": ["string", "null"]},
        {"type": "object", "properties": {"type": {"type": "string"}, "text": {"type": ["string", "null"]}}}
      ]
    },
    "content": {
      "description": "Text, or a list of parts, which are joined by line breaks.",
      "anyOf": [
        {"$ref": "#/$defs/text"},
        {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/part"}}
      ]
    },
    "time": {
      "description": "ISO 8601 (UTC if it names no zone), or seconds or milliseconds since 1970 as a number or text. A time that can't be read is not an error: the record's time is used.",
      "examples": ["2026-01-01T00:00:00Z", 1767225600, 1767225600000]
    },
    "role": {
      "description": "user (also human, customer), assistant (ai, bot, agent, model), system (developer), tool (function), in any case; every other text is other.",
      "type": ["string", "null"],
      "default": "user"
    },
    "attributes": {
      "type": "object",
      "properties": {
        "agent_id": {"$ref": "#/$defs/id", "description": "Who the memories belong to. Default: the record's key, else a CloudEvent's subject, else \"default\"."},
        "agentId": {"$ref": "#/$defs/id"},
        "session_id": {"$ref": "#/$defs/id"},
        "sessionId": {"$ref": "#/$defs/id"},
        "conversation_id": {"$ref": "#/$defs/id"},
        "conversationId": {"$ref": "#/$defs/id"},
        "user_id": {"$ref": "#/$defs/id"},
        "userId": {"$ref": "#/$defs/id"},
        "org_id": {"$ref": "#/$defs/id"},
        "orgId": {"$ref": "#/$defs/id"},
        "role": {"$ref": "#/$defs/role"},
        "timestamp": {"$ref": "#/$defs/time"},
        "created_at": {"$ref": "#/$defs/time"},
        "createdAt": {"$ref": "#/$defs/time"}
      }
    },
    "message": {
      "allOf": [{"$ref": "#/$defs/attributes"}],
      "type": "object",
      "properties": {
        "id": {"$ref": "#/$defs/id", "description": "Default: topic/partition/offset, in a bundle /index after it."},
        "content": {"anyOf": [{"$ref": "#/$defs/content"}, {"type": "null"}]},
        "text": {"anyOf": [{"$ref": "#/$defs/content"}, {"type": "null"}]},
        "metadata": {}
      },
      "anyOf": [
        {"required": ["content"], "properties": {"content": {"not": {"type": "null"}}}},
        {"required": ["text"], "properties": {"text": {"not": {"type": "null"}}}}
      ],
      "examples": [
        {"id": "m-1", "agent_id": "agent-42", "session_id": "s-7", "user_id": "u-9", "role": "user", "content": "My login failed again", "timestamp": "2026-01-01T00:00:00Z", "org_id": "acme", "metadata": {}},
        {"content": "Only the content is indispensable"}
      ]
    },
    "list": {
      "type": "array",
      "minItems": 1,
      "maxItems": 10000,
      "items": {"$ref": "#/$defs/message"}
    },
    "bundle": {
      "description": "Its other fields are defaults for each of its messages.",
      "allOf": [{"$ref": "#/$defs/attributes"}],
      "type": "object",
      "properties": {"messages": {"$ref": "#/$defs/list"}},
      "required": ["messages"]
    },
    "event": {
      "description": "A CloudEvent in structured mode. Its id, subject and time are defaults for id, agent_id and timestamp.",
      "type": "object",
      "properties": {
        "specversion": {"type": "string"},
        "id": {"$ref": "#/$defs/id"},
        "subject": {"type": ["string", "integer", "null"]},
        "time": {"$ref": "#/$defs/time"},
        "data": {"anyOf": [{"$ref": "#/$defs/message"}, {"$ref": "#/$defs/bundle"}, {"$ref": "#/$defs/list"}]},
        "data_base64": {"type": "string", "contentEncoding": "base64", "contentMediaType": "application/json"}
      },
      "required": ["specversion"],
      "anyOf": [{"required": ["data"]}, {"required": ["data_base64"]}]
    }
  }
}
)json";
}

std::string_view memory_schema() {
  return R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "Alluvium: memories out",
  "type": "object",
  "properties": {
    "id": {"description": "Derived from what the memory rests on: the same input gives the same id.", "type": "string", "pattern": "^mem_[0-9a-f]{32}$"},
    "agent_id": {"type": "string"},
    "session_id": {"description": "Empty if unknown, like user_id.", "type": "string"},
    "user_id": {"type": "string"},
    "content": {"type": "string", "minLength": 1},
    "type": {"enum": ["semantic", "episodic", "procedural"]},
    "importance": {"type": "number", "minimum": 0, "maximum": 1},
    "keywords": {"type": "array", "items": {"type": "string"}},
    "extraction_method": {"enum": ["rules", "small_model", "premium_model"]},
    "rule_id": {"description": "Empty unless extraction_method is rules.", "type": "string"},
    "batch_id": {"type": "string", "pattern": "^batch_-?[0-9]+_[0-9a-z]+$"},
    "source_message_ids": {"description": "The messages that the memory rests on.", "type": "array", "items": {"type": "string"}, "minItems": 1},
    "created_at": {"type": "string", "format": "date-time"},
    "connections": {"description": "What a premium model linked it to.", "type": "array", "items": {"type": "object", "properties": {"memory_id": {"type": "string"}, "type": {"type": "string"}}, "required": ["memory_id", "type"]}},
    "model": {"description": "The model that made it; not there if a rule did, like prompt_id.", "type": "string"},
    "prompt_id": {"description": "Identifies the instructions it was made with.", "type": "string", "pattern": "^[0-9a-f]{16}$"}
  },
  "required": ["id", "agent_id", "content", "type", "importance", "keywords", "extraction_method", "batch_id", "source_message_ids", "created_at"],
  "examples": [
    {"id": "mem_0123456789abcdef0123456789abcdef", "agent_id": "agent-42", "session_id": "s-7", "user_id": "u-9", "content": "login failed", "type": "episodic", "importance": 0.9, "keywords": ["account"], "extraction_method": "rules", "rule_id": "account-issues", "batch_id": "batch_1767225600000_k3x9q0000000a", "source_message_ids": ["m-1"], "created_at": "2026-01-01T00:00:01.250Z", "connections": []}
  ]
}
)json";
}

}  // namespace alluvium::pipeline
