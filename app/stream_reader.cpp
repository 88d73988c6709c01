// SPDX-License-Identifier: Apache-2.0
#include "app/stream_reader.hpp"

#include <type_traits>
#include <variant>

#include "connectors/kafka_reader.hpp"

namespace alluvium::app {

pipeline::Result<std::unique_ptr<pipeline::Source>> open_stream(const config::Config& config) {
  return std::visit(
      [](auto options) -> pipeline::Result<std::unique_ptr<pipeline::Source>> {
        if constexpr (std::is_same_v<decltype(options), connectors::FileSourceOptions>) {
          if (options.path == "-") {
            return pipeline::fail(pipeline::Errc::invalid_config, "source.file.path: stdin can't be read again");
          }
          options.until_end = true;
          return connectors::make_file_source(options);
        } else {
          options.instance_id.clear();
          options.properties.erase("group.instance.id");
          return connectors::make_kafka_reader(options);
        }
      },
      config.source);
}

}  // namespace alluvium::app
