// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "config/config.hpp"
#include "config/keys.hpp"
#include "tests/config/parsing.hpp"

namespace alluvium::config {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(Print, IsWhatTheComponentsGet) {
  const auto loaded = parse_config(R"yaml(source:
  kafka: {brokers: "b:1", topics: [t], properties: {sasl.password: hunter22, client.rack: r1}}
preset: customer-support
rules: [{id: mine, pattern: "a$${b}|\"c\"", name: "Über"}]
sink: {sqlite: {path: "${DIR:-data}/x.db"}}
)yaml");
  ASSERT_THAT(texts(loaded.faults), IsEmpty());
  const std::string expected = R"yaml(source:
  kafka:
    brokers: "b:1"
    topics: [t]
    group: alluvium
    start: earliest
    prefetch_bytes: 59MiB
    properties:
      client.rack: r1
      sasl.password: "********"
messages:
  max_bytes: 1MiB
  max_depth: 64
  max_bundle: 10000
preset: customer-support
buffer:
  max_messages: 20
  min_messages: 5
  idle_timeout: 1h
  max_hold: 2h
  max_bytes: 256KiB
filters:
  min_message_length: 10
  skip_greetings: true
  skip_confirmations: true
  include_emotions: false
  capture_everything: false
  no_filtering: false
selection:
  rate: 0.3
  by: value
  batch_messages: 20
  max_wait: 2h
rules:
  - id: mine
    name: "Über"
    pattern: "a$${b}|\"c\""
    kind: regex
    scope: message
    memory_type: semantic
    importance: 0.5
    keywords: []
    active: true
    agents: ["*"]
tiers:
  small:
    enabled: false
    endpoint: small
    max_tokens: 300
    temperature: 0.3
    min_messages: 4
    mode: call
  premium:
    enabled: false
    endpoint: premium
    max_tokens: 800
    temperature: 0.2
    min_messages: 6
    mode: call
  both: false
retry:
  max: 3
  delay: 500ms
  max_delay: 1m
  jitter: true
  fallback_batch_size: 0
  backlog_delay: 1m
backlog:
  max_requests: 100000
  max_bytes: 1GiB
batch_jobs:
  poll_interval: 1m
  job_poll_interval: 5m
  max_requests: 10000
  worker: false
dedupe:
  near: false
  adjudicate: false
sink:
  sqlite:
    path: data/x.db
    busy_timeout: 5s
memory:
  limit: 512MiB
engine:
  workers: 0
  commit_interval: 20ms
  commit_batches: 2048
  model_requests: 1000
log:
  level: info
  format: text
)yaml";
  EXPECT_EQ(print(loaded), expected);
}

TEST(Print, ReadsBackTheSame) {
  for (const auto* yaml : {
           "source: {file: {path: '-'}}",
           "source: {kafka: {brokers: 'b:1', topics: ['^a.*', \"x y\"], start: latest, instance_id: i, properties: "
           "{'a: b': c, sasl.password: p}}, "
           "fields: {content: /a}}\nprofile: dev\npreset: therapy\nselection: {use_case: support, by: hash}",
           "source: {file: {path: x}}\nendpoints: {'a b': {base_url: 'https://u:pw@h/x', api_key: k}, two: {model: "
           "m}}\n"
           "http: {listen: 'h:1'}\ndead_letters: {topic: d}\ndedupe: {near: true}\nbuffer: {idle_timeout: 1500ms, "
           "max_bytes: 1025B}",
       }) {
    const auto loaded = parse_config(yaml);
    ASSERT_THAT(texts(loaded.faults), IsEmpty()) << yaml;
    const auto printed = print(loaded);
    const auto again = parse_config(printed);
    EXPECT_THAT(texts(again.faults), IsEmpty()) << printed;
    EXPECT_EQ(print(again), printed);
  }
}

TEST(Print, ReadsBackAnyText) {
  EXPECT_TRUE(rc::check("text", [] {
    // ASCII with everything YAML and expand() care about; NUL is refused on its way in.
    const auto text = *rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::oneOf(
        rc::gen::elementOf(std::string{"${}:-#&*!|>'\"\\ \n\t,[]~%@"}), rc::gen::inRange<char>(1, 127))));
    const auto loaded = parse_with_source(
        "sink: {sqlite: {path: \"${TEXT}\"}}\nrules: [{id: \"${TEXT}\", kind: simple, pattern: p}]", {{"TEXT", text}});
    RC_PRE(loaded.faults.empty());
    RC_PRE(loaded.secrets.empty());
    const auto again = parse_config(print(loaded));
    RC_ASSERT(again.faults.empty());
    RC_ASSERT(again.config.sqlite.path == text);
    RC_ASSERT(again.config.rules.at(0).id == text);
  }));
}

TEST(Print, LeavesOutSecretsOfEveryKind) {
  const TemporaryFolder folder;
  std::ignore = folder.write("key", "from-a-file\n");
  const auto path = folder.write(
      "c.yaml",
      R"(source: {kafka: {brokers: "b:1", topics: [t], properties: {ssl.key.password: p4ssword, note: "with p4ssword"}}}
endpoints: {e: {base_url: "https://ann:hunter22@h/v1", api_key: "${KEY}", model: "${file:key}"}}
rules: [{id: r, pattern: "${file:key}", name: "has ${file:key} in it"}]
messages: {max_depth: "${file:number}"}
)");
  std::ignore = folder.write("number", "77");
  const auto loaded = load(path, {{"KEY", "sk-abcdef"}}, false);
  ASSERT_THAT(texts(loaded.faults), IsEmpty());
  EXPECT_EQ(loaded.config.engine.decoder.depth_max, 77U);
  const auto printed = print(loaded);
  for (const auto* secret : {"from-a-file", "p4ssword", "hunter22", "ann", "sk-abcdef", "77"}) {
    EXPECT_THAT(printed, Not(HasSubstr(secret)));
  }
  EXPECT_THAT(printed, HasSubstr("base_url: \"https://********@h/v1\""));
  EXPECT_THAT(printed, HasSubstr("note: \"with ********\""));
}

TEST(Secrets, AppearNowhere) {
  EXPECT_TRUE(rc::check("secrets", [] {
    const auto tail = *rc::gen::container<std::string>(rc::gen::elementOf(std::string{"abcXYZ019_-.$!#%&*()'\" {}:"}));
    const std::string secret = "qZ7w" + tail;
    // Each line is right in some place and wrong in another.
    const auto line = *rc::gen::elementOf(std::vector<std::string>{
        "source: {kafka: {brokers: 'b:1', topics: [t], properties: {sasl.password: \"${S}\"}}}",
        "source: {kafka: {brokers: 'b:1', topics: [t], properties: {my.secret: [\"${S}\"], sasl.password: \"${S}\"}}}",
        "endpoints: {e: {api_key: \"${S}\", model: \"uses ${S}\", base_url: \"https://x/?k=${S}\"}}",
        "endpoints: {e: {api_key: \"${S}\", base_url: {a: \"${S}\"}}}",
        "endpoints: {e: {api_key: \"${S}\"}}\nbuffer: {max_messages: \"${S}\", idle_timeout: \"${S}\"}",
        "endpoints: {e: {api_key: \"${S}\"}}\nlog: {level: \"${S}\"}\npreset: \"${S}\"\nprofile: \"${S}\"",
        "endpoints: {e: {api_key: \"${S}\"}}\nrules: [{id: a, name: \"${S}\", pattern: \"(${S}\", importance: "
        "\"${S}\"}]",
        "endpoints: {e: {api_key: \"${S}\"}}\nrules_file: \"/none/${S}\"",
        "endpoints: {e: {api_key: \"${S}\"}}\nsource: {fields: {content: \"${S}\"}}",
        "endpoints: {e: {api_key: \"${S}\", model: \"${N:?no ${S}}\"}}\nmemory: {limit: \"${S}MiB\"}",
    });
    for (const bool lenient : {false, true}) {
      const auto loaded = parse(line, "a.yaml", {{"S", secret}}, lenient);
      RC_ASSERT(std::ranges::find(loaded.secrets, secret) != loaded.secrets.end());
      RC_ASSERT(print(loaded).find("qZ7w") == std::string::npos);
      for (const auto* list : {&loaded.faults, &loaded.warnings}) {
        for (const auto& fault : *list) {
          RC_ASSERT(fault.text().find("qZ7w") == std::string::npos);
        }
      }
    }
  }));
}

}  // namespace
}  // namespace alluvium::config
