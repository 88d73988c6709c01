// SPDX-License-Identifier: Apache-2.0
// The same job on Kafka Streams as it comes: RocksDB stores with changelogs, at least once, one thread per core.
//
//   StreamsPeer BROKERS TOPIC OUTPUT_TOPIC GROUP PATTERNS_FILE STATE_FOLDER    ends at the end of the topic, as of its start
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

public final class StreamsPeer {
  private static final int BATCH = 20;
  private static final Pattern NOISE =
      Pattern.compile("(hi|hello|thanks|ok|yes|no|got it|sure|np)\\.?", Pattern.CASE_INSENSITIVE);
  private static final ObjectMapper JSON = new ObjectMapper();

  private record Rule(String id, Pattern pattern) {}

  /** One per partition. */
  private static final class Extraction implements Processor<String, byte[], String, byte[]> {
    private final List<Rule> rules;
    private final Map<Integer, Long> ends;
    private final CountDownLatch open;
    private ProcessorContext<String, byte[]> context;
    /** Agent -> how many slots of its buffer are filled. */
    private KeyValueStore<String, Integer> counts;
    /** Agent, slot -> message. A slot is used again by the next batch. */
    private KeyValueStore<String, byte[]> buffers;
    /** Agent, normalised content -> nothing. */
    private KeyValueStore<String, byte[]> known;
    private long memories;

    Extraction(List<Rule> rules, Map<Integer, Long> ends, CountDownLatch open) {
      this.rules = rules;
      this.ends = ends;
      this.open = open;
    }

    @Override
    public void init(ProcessorContext<String, byte[]> context) {
      this.context = context;
      counts = context.getStateStore("counts");
      buffers = context.getStateStore("buffers");
      known = context.getStateStore("known");
    }

    @Override
    public void process(Record<String, byte[]> record) {
      // The key is the agent, so all its messages are in this partition.
      final String agent = record.key();
      final Integer filled = counts.get(agent);
      final int count = filled == null ? 0 : filled;
      buffers.put(agent + "/" + count, record.value());
      if (count + 1 == BATCH) {
        flush(agent, BATCH, record.timestamp());
        counts.put(agent, 0);
      } else {
        counts.put(agent, count + 1);
      }
      final var place = context.recordMetadata().orElseThrow();
      if (place.offset() == ends.get(place.partition()) - 1) {
        finish(record.timestamp());
        open.countDown();
      }
    }

    private void finish(long timestamp) {
      final List<String> agents = new ArrayList<>();
      final List<Integer> left = new ArrayList<>();
      try (var all = counts.all()) {
        all.forEachRemaining(entry -> {
          if (entry.value > 0) {
            agents.add(entry.key);
            left.add(entry.value);
          }
        });
      }
      for (int i = 0; i < agents.size(); i++) {
        flush(agents.get(i), left.get(i), timestamp);
        counts.put(agents.get(i), 0);
      }
    }

    private void flush(String agent, int count, long timestamp) {
      for (int slot = 0; slot < count; slot++) {
        final JsonNode message = parse(buffers.get(agent + "/" + slot));
        final String content = message.path("content").asText();
        if (content.length() < 10 || NOISE.matcher(content).matches()) {
          continue;
        }
        for (final Rule rule : rules) {
          final var matcher = rule.pattern().matcher(content);
          while (matcher.find()) {
            remember(agent, message.path("id").asText(), rule, matcher.group().strip(), timestamp);
          }
        }
      }
    }

    private void remember(String agent, String message, Rule rule, String content, long timestamp) {
      final String key = agent + "/" + normalised(content);
      if (content.isEmpty() || known.putIfAbsent(key, new byte[0]) != null) {
        return;
      }
      final ObjectNode memory = JSON.createObjectNode();
      memory.put("id", "mem-" + context.taskId() + "-" + memories++).put("agent_id", agent).put("content", content);
      memory.put("type", "episodic").put("importance", 0.8).put("extraction_method", "rules").put("rule_id", rule.id());
      memory.putArray("source_message_ids").add(message);
      memory.put("created_at", Instant.now().toString());
      context.forward(new Record<>(agent, bytes(memory), timestamp));
    }
  }

  private static JsonNode parse(byte[] value) {
    try {
      return JSON.readTree(value);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  private static byte[] bytes(JsonNode value) {
    try {
      return JSON.writeValueAsBytes(value);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  /** Lower case, each run of other characters than letters and digits one blank, none at the ends. */
  private static String normalised(String text) {
    final StringBuilder out = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      final char c = Character.toLowerCase(text.charAt(i));
      if (c >= 'a' && c <= 'z' || c >= '0' && c <= '9') {
        out.append(c);
      } else if (out.length() > 0 && out.charAt(out.length() - 1) != ' ') {
        out.append(' ');
      }
    }
    return out.toString().strip();
  }

  /** Of the partitions that have records. */
  private static Map<Integer, Long> ends(String brokers, String topic) {
    final Properties settings = new Properties();
    settings.put("bootstrap.servers", brokers);
    final Map<Integer, Long> found = new HashMap<>();
    try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      final var partitions =
          consumer.partitionsFor(topic).stream().map(info -> new TopicPartition(topic, info.partition())).toList();
      consumer.endOffsets(partitions).forEach((partition, end) -> {
        if (end > 0) {
          found.put(partition.partition(), end);
        }
      });
    }
    return found;
  }

  private static List<Rule> rules(String path) throws IOException {
    final List<Rule> found = new ArrayList<>();
    for (final String line : Files.readAllLines(Path.of(path))) {
      final String[] parts = line.split("\t", 2);
      found.add(new Rule(parts[0], Pattern.compile(parts[1], Pattern.CASE_INSENSITIVE)));
    }
    return found;
  }

  public static void main(String[] arguments) throws Exception {
    final String brokers = arguments[0];
    final String topic = arguments[1];
    final List<Rule> rules = rules(arguments[4]);
    final Map<Integer, Long> ends = ends(brokers, topic);
    final CountDownLatch open = new CountDownLatch(ends.size());

    final Topology topology = new Topology();
    topology.addSource("messages", Serdes.String().deserializer(), new ByteArrayDeserializer(), topic);
    topology.addProcessor("extraction", () -> new Extraction(rules, ends, open), "messages");
    topology.addStateStore(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore("counts"), Serdes.String(),
        Serdes.Integer()).withCachingEnabled(), "extraction");
    for (final String store : List.of("buffers", "known")) {
      topology.addStateStore(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(store), Serdes.String(),
          Serdes.ByteArray()).withCachingEnabled(), "extraction");
    }
    topology.addSink("memories", arguments[2], Serdes.String().serializer(), Serdes.ByteArray().serializer(),
        "extraction");

    final Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments[3]);
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, arguments[5]);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, Runtime.getRuntime().availableProcessors());
    settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64 << 20);
    settings.put("auto.offset.reset", "earliest");
    try (KafkaStreams streams = new KafkaStreams(topology, settings)) {
      streams.setUncaughtExceptionHandler(error -> {
        error.printStackTrace();
        Runtime.getRuntime().halt(1);
        return null;
      });
      streams.start();
      open.await();
      streams.close(Duration.ofMinutes(2));
    }
    System.exit(0);
  }
}
