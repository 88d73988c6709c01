// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 as the simulated model server reads and writes it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "connectors/stub_wire.hpp"

namespace alluvium::connectors {

inline constexpr std::size_t stub_head_bytes_max = std::size_t{64} << 10;
inline constexpr std::size_t stub_headers_max = 200;
/// Of uploads and batch jobs; of calls (as Anthropic has it).
inline constexpr std::size_t stub_upload_bytes_max = 300'000'000;
inline constexpr std::size_t stub_call_bytes_max = std::size_t{32} << 20;

/// What requests are read from and replies go to. Both block, for a bounded time.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  /// 0: the end, a time-out, or a failure.
  [[nodiscard]] virtual std::size_t read(char* into, std::size_t bytes_max) = 0;
  /// False if not all of it could be written.
  [[nodiscard]] virtual bool write(std::string_view bytes) = 0;
};

/// Reads one request after another from a connection that is kept alive.
class HttpReader {
 public:
  /// `status` 0: the connection is over, and there is nobody to say it to.
  struct Fault {
    int status = 0;
    std::string message;
  };
  explicit HttpReader(ByteStream& stream) : stream_{stream} {}
  /// With a body by length or in chunks; says "100 Continue" to who waits for it.
  [[nodiscard]] tl::expected<StubRequest, Fault> next();

 private:
  using Failed = tl::unexpected<Fault>;
  bool fill();
  tl::expected<std::string, Fault> take_line(std::size_t bytes_max);
  tl::expected<StubRequest, Fault> read_head();
  tl::expected<void, Fault> read_sized(std::string& body, std::size_t bytes);
  tl::expected<void, Fault> read_chunks(std::string& body, std::size_t bytes_max);

  ByteStream& stream_;
  std::string buffer_;
  std::size_t begin_ = 0;
};

/// The reply's head, which promises `length` bytes.
[[nodiscard]] std::string stub_head(const StubReply& reply, std::size_t length, bool keep_alive);
/// What a status is called.
[[nodiscard]] std::string_view stub_reason(int status);
/// How long the body of a request to `path` may be.
[[nodiscard]] std::size_t stub_body_bytes_max(std::string_view path);

}  // namespace alluvium::connectors
