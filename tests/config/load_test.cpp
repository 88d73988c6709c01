// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.hpp"
#include "config/yaml_tree.hpp"
#include "pipeline/presets.hpp"
#include "tests/config/parsing.hpp"

namespace alluvium::config {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Faults = std::vector<std::string>;

// The config that the contract of the product shows.
const std::string sample = R"yaml(source:
  kafka: {brokers: "127.0.0.1:9092", topics: [chat.messages], group: alluvium, start: earliest, properties: {}}
preset: customer-support
buffer:    {max_messages: 20, min_messages: 5, idle_timeout: 60m, max_hold: 2h, max_bytes: 256KiB}
filters:   {min_message_length: 10, skip_greetings: true, skip_confirmations: true}
selection: {rate: 0.3, by: value}
rules:
  - {id: account-issues, name: Account Problems, pattern: "(account|login|password|billing).*(problem|issue|error|failed)",
     kind: regex, scope: message, memory_type: episodic, importance: 0.9, keywords: [account, technical-issue], active: true, agents: ["*"]}
tiers:
  small:   {enabled: false, endpoint: small, max_tokens: 300, temperature: 0.3}
  premium: {enabled: false, endpoint: premium, max_tokens: 800, temperature: 0.2}
endpoints:
  small: {api: openai, base_url: "https://...", model: mistral-small-3.1, api_key: "${SMALL_API_KEY}"}
dedupe:    {near: true}
sink:
  sqlite: {path: alluvium.db}
dead_letters: {topic: chat.messages.dead}
memory:    {limit: 512MiB}
http:      {listen: "127.0.0.1:5001"}
log:       {level: info, format: text}
)yaml";

TEST(Config, TakesTheSampleOfTheContract) {
  const auto loaded = parse_config(sample, {{"SMALL_API_KEY", "sk-1234"}});
  EXPECT_THAT(texts(loaded.faults), IsEmpty());
  EXPECT_THAT(texts(loaded.warnings),
              ElementsAre("a.yaml:18: dead_letters.topic: not forwarded in this version; they are in the store",
                          "a.yaml:20: http.listen: no HTTP in this version"));
  EXPECT_TRUE(loaded.config.sqlite.near_dedupe);
  const auto& kafka = std::get<connectors::KafkaSourceOptions>(loaded.config.source);
  EXPECT_EQ(kafka.brokers, "127.0.0.1:9092");
  EXPECT_THAT(kafka.topics, ElementsAre("chat.messages"));
  EXPECT_EQ(loaded.config.endpoints.at("small").model.api_key, "sk-1234");
  EXPECT_THAT(loaded.secrets, Contains("sk-1234"));
}

TEST(Config, NeedsTheKeyOfAnEndpointThatATierUses) {
  EXPECT_THAT(texts(parse_config(sample).faults), IsEmpty());  // Its tier is off.
  std::string on = sample;
  on.replace(on.find("enabled: false"), 14, "enabled: true");
  EXPECT_THAT(texts(parse_config(on).faults), testing::Contains(testing::HasSubstr("SMALL_API_KEY")));
}

TEST(Config, ReportsEveryFaultInTheOrderOfTheFile) {
  EXPECT_EQ(faults_of("buffer: {max_messages: none, max_hodl: 1h}\n"
                      "log: [1]\n"
                      "max_bytes: 1KiB\n"
                      "buffer.max_bytes: 1KiB\n"
                      "nothing_like_it: 1\n"
                      "log: {level: loud}\n"
                      "dedupe: {near: 1}\n"),
            (Faults{"a.yaml:2: buffer.max_messages: want a whole number from 1 to 10000, not \"none\"",
                    "a.yaml:2: buffer.max_hodl: unknown key; did you mean max_hold?",
                    "a.yaml:3: log: want keys with values under it",
                    "a.yaml:4: max_bytes: unknown key; did you mean messages.max_bytes?",
                    "a.yaml:5: buffer.max_bytes: unknown key; write max_bytes under buffer",
                    "a.yaml:6: nothing_like_it: unknown key", "a.yaml:7: log: given twice: it stands in line 3 already",
                    "a.yaml:8: dedupe.near: want true or false, not \"1\""}));
}

TEST(Config, RefusesAKeyThatIsGivenTwice) {
  EXPECT_EQ(faults_of("buffer:\n  max_messages: 5\n  max_messages: 6\n"),
            Faults{"a.yaml:4: buffer.max_messages: given twice: it stands in line 3 already"});
}

TEST(Config, RefusesTheWrongShape) {
  EXPECT_EQ(faults_of("memory: {limit: [1]}"), Faults{"a.yaml:2: memory.limit: want one value, not a list or keys"});
  EXPECT_EQ(faults_of("memory: {limit: }"), Faults{"a.yaml:2: memory.limit: want a value"});
  EXPECT_EQ(faults_of("rules: {a: b}"), Faults{"a.yaml:2: rules: want a list of rules"});
  EXPECT_EQ(texts(parse_config("just text").faults),
            (Faults{"a.yaml:1: want keys with values under it", "a.yaml:1: source: give kafka or file"}));
}

TEST(Config, TakesSectionsWithNothingInThem) {
  EXPECT_EQ(faults_of("buffer:\nhttp:\nrules:\n"), Faults{});
}

TEST(Config, AsksForUnits) {
  EXPECT_EQ(
      faults_of("memory: {limit: 512}\nbuffer: {idle_timeout: 60}"),
      (Faults{"a.yaml:2: memory.limit: want a size with its unit, such as 512MiB, 256KiB, 1GB or 10B, not \"512\"",
              "a.yaml:3: buffer.idle_timeout: want a duration with its unit, such as 500ms, 5s, 60m, 2h or 1d, "
              "not \"60\""}));
  EXPECT_EQ(faults_of("sink: {sqlite: {busy_timeout: 0}}"), Faults{});
}

TEST(Config, NeedsExactlyOneSource) {
  EXPECT_EQ(texts(parse_config("").faults), Faults{"a.yaml:1: source: give kafka or file"});
  EXPECT_EQ(texts(parse_config("\nsource:\n").faults), Faults{"a.yaml:2: source: give kafka or file"});
  EXPECT_EQ(texts(parse_config("source: {file: {path: x}, kafka: {brokers: 'b:1', topics: t}}").faults),
            Faults{"a.yaml:1: source: give kafka or file, not both"});
  EXPECT_EQ(texts(parse_config("source: {kafka: {topics: []}}").faults),
            (Faults{"a.yaml:1: source.kafka.topics: want at least one", "a.yaml:1: source.kafka.brokers: missing"}));
  EXPECT_EQ(texts(parse_config("source: {file: {path: ''}}").faults),
            Faults{"a.yaml:1: source.file.path: want a value"});
}

TEST(Config, ReadsAKafkaSource) {
  const auto loaded = parse_config(R"(source:
  kafka:
    brokers: b:1,c:2
    topics: one
    start: latest
    instance_id: i-1
    prefetch_bytes: 1MiB
    properties: {security.protocol: SASL_SSL, sasl.password: "${PW}", fetch.min.bytes: 10}
)",
                                   {{"PW", "pa$$w"}});
  ASSERT_THAT(texts(loaded.faults), IsEmpty());
  const auto& kafka = std::get<connectors::KafkaSourceOptions>(loaded.config.source);
  EXPECT_THAT(kafka.topics, ElementsAre("one"));
  EXPECT_TRUE(kafka.start_at_end);
  EXPECT_TRUE(loaded.config.engine.start_at_end);
  EXPECT_EQ(kafka.instance_id, "i-1");
  EXPECT_EQ(kafka.queue_bytes_max, 1U << 20U);
  EXPECT_EQ(kafka.properties.at("sasl.password"), "pa$$w");
  EXPECT_EQ(kafka.properties.at("fetch.min.bytes"), "10");
}

TEST(Config, ExpandsValuesAndNeverKeys) {
  const auto loaded = parse_with_source("buffer: {max_messages: '${N}', '${N}': 1}", {{"N", "7"}});
  EXPECT_EQ(loaded.config.engine.buffer.max_messages, 7U);
  EXPECT_EQ(texts(loaded.faults), Faults{"a.yaml:2: buffer.${N}: unknown key"});
}

TEST(Config, RefusesPointersThatAreNone) {
  EXPECT_EQ(texts(parse_config("source: x").faults),
            (Faults{"a.yaml:1: source: want keys with values under it", "a.yaml:1: source: give kafka or file"}));
  const auto good = parse_config("source: {file: {path: x}, fields: {content: /a/b, id: /~0/~1}}");
  EXPECT_THAT(texts(good.faults), IsEmpty());
  EXPECT_EQ(good.config.engine.decoder.fields.content, "/a/b");
  const auto bad = parse_config("source: {file: {path: x}, fields: {content: a/b,\n id: /~2}}");
  ASSERT_EQ(bad.faults.size(), 2U);
  EXPECT_THAT(bad.faults[0].text(), HasSubstr("a.yaml:1: source.fields.content: "));
  EXPECT_THAT(bad.faults[1].text(), HasSubstr("a.yaml:2: source.fields.id: "));
}

TEST(Config, KnowsOtherSinksAndRefusesThem) {
  EXPECT_EQ(faults_of("sink: {postgres: {uri: 'postgres://u:p@h'}, kafka: {topic: t}}"),
            (Faults{"a.yaml:2: sink.postgres: this version stores in SQLite only",
                    "a.yaml:2: sink.kafka: this version stores in SQLite only"}));
}

TEST(Config, TurnsATierOfAPresetOnOnlyWhereItsEndpointIs) {
  const auto without = parse_with_source("preset: therapy");
  EXPECT_THAT(texts(without.warnings), IsEmpty());
  EXPECT_FALSE(without.config.small.enabled);
  const auto with =
      parse_with_source("preset: therapy\nendpoints: {small: {base_url: \"http://127.0.0.1:1/v1\", model: m}}");
  EXPECT_TRUE(with.config.small.enabled);
  EXPECT_FALSE(with.config.premium.enabled);
  EXPECT_THAT(texts(parse_with_source("tiers: {small: {enabled: true}}").faults),
              testing::Contains(testing::HasSubstr("there is no \"small\" under endpoints")));
}

TEST(Config, AdjudicationWantsNearDedupeAndTheSmallTier) {
  const std::string small =
      "endpoints: {small: {base_url: \"http://127.0.0.1:1/v1\", model: m}}\ntiers: {small: {enabled: true}}\n";
  const auto complete = parse_with_source(small + "dedupe: {near: true, adjudicate: true}");
  EXPECT_TRUE(complete.config.sqlite.adjudicate);
  EXPECT_TRUE(complete.config.sqlite.dedupe().adjudication.enabled);
  EXPECT_FALSE(parse_with_source(small + "dedupe: {near: true}").config.sqlite.dedupe().adjudication.enabled);
  const auto refused = [](const std::string& yaml, const std::string& why) {
    EXPECT_THAT(faults_of(yaml), testing::Contains(testing::HasSubstr("dedupe.adjudicate: " + why))) << yaml;
  };
  refused(small + "dedupe: {adjudicate: true}", "wants dedupe.near: true");
  refused("dedupe: {near: true, adjudicate: true}", "wants tiers.small.enabled: true");
}

TEST(Preset, FillsWhatTheFileDoesNotSay) {
  for (const auto& preset : pipeline::presets()) {
    const auto loaded = parse_with_source("preset: " + std::string{preset.name});
    ASSERT_THAT(texts(loaded.faults), IsEmpty()) << preset.name;
    const auto& config = loaded.config;
    EXPECT_EQ(config.engine.buffer.max_messages, preset.max_messages);
    EXPECT_EQ(config.engine.buffer.min_messages, preset.min_messages);
    EXPECT_EQ(config.engine.buffer.idle_timeout, preset.idle_timeout);
    EXPECT_EQ(config.engine.extraction.filters.min_message_length, preset.filters.min_message_length);
    EXPECT_EQ(config.selection.rate, preset.rate);
    EXPECT_EQ(config.rules.size(), preset.rules.size());
  }
}

TEST(Preset, GivesWayToTheFile) {
  const auto loaded = parse_with_source(
      "filters: {min_message_length: 3}\nbuffer: {max_messages: 2}\nselection: {rate: 0.9}\npreset: support");
  EXPECT_EQ(loaded.config.preset, "customer-support");
  EXPECT_EQ(loaded.config.engine.extraction.filters.min_message_length, 3U);
  EXPECT_EQ(loaded.config.engine.buffer.max_messages, 2U);
  EXPECT_EQ(loaded.config.engine.buffer.min_messages, 2U) << "the preset's 5 does not fit";
  EXPECT_EQ(loaded.config.selection.rate, 0.9);
}

TEST(Preset, OfAnotherNameIsAFault) {
  EXPECT_EQ(faults_of("preset: best\nprofile: huge"),
            (Faults{"a.yaml:2: preset: want one of customer-support, therapy, conservative, balanced, comprehensive, "
                    "maximum",
                    "a.yaml:3: profile: want one of development, production, high-memory"}));
}

TEST(Profile, SetsMemoryAndWorkersUnlessTheFileDoes) {
  const auto profile = parse_with_source("profile: high-memory").config;
  EXPECT_EQ(profile.memory_limit_bytes, std::size_t{1024} << 20U);
  EXPECT_EQ(profile.engine.workers, 3U);
  EXPECT_EQ(profile.engine.credit_bytes, std::size_t{256} << 20U);
  const auto explicit_workers = parse_with_source("profile: development\nengine: {workers: 8}").config;
  EXPECT_EQ(explicit_workers.engine.workers, 8U);
  EXPECT_EQ(explicit_workers.memory_limit_bytes, std::size_t{256} << 20U);
}

TEST(UseCase, SetsTheRateUnlessItIsGiven) {
  EXPECT_EQ(parse_with_source("selection: {use_case: research}").config.selection.rate, 0.8);
  EXPECT_EQ(parse_with_source("selection: {use_case: knitting}").config.selection.rate, 0.2);
  EXPECT_EQ(parse_with_source("preset: therapy\nselection: {use_case: support}").config.selection.rate, 0.3);
  EXPECT_EQ(parse_with_source("selection: {use_case: research, rate: 0.1}").config.selection.rate, 0.1);
}

TEST(Buffer, HoldsAtLeastAsLongAsItWaits) {
  EXPECT_EQ(parse_with_source("buffer: {idle_timeout: 3h}").config.engine.buffer.max_hold, std::chrono::hours{3});
  EXPECT_EQ(parse_with_source("buffer: {idle_timeout: 5s}").config.engine.buffer.max_hold, std::chrono::hours{2});
  EXPECT_EQ(faults_of("buffer: {idle_timeout: 2m, max_hold: 2m}"), Faults{});
  EXPECT_EQ(faults_of("buffer: {idle_timeout: 2m,\n max_hold: 1m}"),
            Faults{"a.yaml:3: buffer.max_hold: want buffer.idle_timeout to 7 days"});
}

TEST(Buffer, RefusesAMinimumBeyondTheMaximum) {
  EXPECT_EQ(faults_of("buffer: {max_messages: 5, min_messages: 5}"), Faults{});
  EXPECT_EQ(faults_of("buffer: {max_messages: 5, min_messages: 6}"),
            Faults{"a.yaml:2: buffer.min_messages: want 1 to buffer.max_messages"});
}

TEST(Memory, GivesWhatTheEngineDoesNotNeedToMessagesAndPrefetching) {
  const std::string source = "source: {kafka: {brokers: 'b:1', topics: [t]}}\n";
  const auto credit = [&](const std::string& limit) {
    const auto config = parse_config(source + "memory: {limit: " + limit + "}").config;
    return std::pair{config.engine.credit_bytes >> 20U,
                     std::get<connectors::KafkaSourceOptions>(config.source).queue_bytes_max >> 20U};
  };
  EXPECT_EQ(credit("64MiB"), (std::pair<std::size_t, std::size_t>{8, 3}));
  EXPECT_EQ(credit("512MiB"), (std::pair<std::size_t, std::size_t>{128, 59}));
  EXPECT_EQ(credit("1TiB"), (std::pair<std::size_t, std::size_t>{4096, 1024}));
}

TEST(Memory, HasRoomForTheLargestMessage) {
  EXPECT_EQ(faults_of("memory: {limit: 64MiB}\nmessages: {max_bytes: 8MiB}"), Faults{});
  EXPECT_EQ(faults_of("memory: {limit: 64MiB}\nmessages: {max_bytes: 9MiB}"),
            Faults{"a.yaml:3: messages.max_bytes: want at most a quarter of memory.limit, and a third of what it has "
                   "beyond 40MiB"});
}

TEST(Load, SaysWhyAFileCannotBeRead) {
  const TemporaryFolder folder;
  const auto missing = (folder.path() / "none.yaml").string();
  EXPECT_EQ(texts(load(missing, {}, false).faults),
            Faults{missing + ":1: file: can't be read: No such file or directory"});
  EXPECT_EQ(texts(load(folder.path().string(), {}, false).faults),
            Faults{folder.path().string() + ":1: file: it is a folder"});
  const auto large = folder.write("large.yaml", std::string(yaml_bytes_max + 1, '#'));
  EXPECT_EQ(texts(load(large, {}, false).faults), Faults{large + ":1: file: want at most 4MiB"});
}

TEST(Load, LooksForSecretFilesBesideTheConfig) {
  const TemporaryFolder folder;
  std::ignore = folder.write("db", "other.db\n");
  const auto path = folder.write("c.yaml", file_source + "sink: {sqlite: {path: '${file:db}'}}");
  const auto loaded = load(path, {}, false);
  EXPECT_THAT(texts(loaded.faults), IsEmpty());
  EXPECT_EQ(loaded.config.sqlite.path, "other.db");
  EXPECT_THAT(loaded.secrets, ElementsAre("other.db"));
}

TEST(Fault, IsOneLineWhateverTheFileSays) {
  EXPECT_EQ(faults_of("\"a\\n\\e[31mb\": 1"), Faults{"a.yaml:2: a??[31mb: unknown key"});
}

}  // namespace
}  // namespace alluvium::config
