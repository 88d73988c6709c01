// SPDX-License-Identifier: Apache-2.0
// One connection to the simulated model server, plain or TLS, with all the ways to end it badly.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include <openssl/ssl.h>

#include "connectors/stub_http.hpp"
#include "pipeline/error.hpp"

namespace alluvium::connectors {

struct TlsContextFree {
  void operator()(SSL_CTX* context) const {
    SSL_CTX_free(context);
  }
};
using TlsContext = std::unique_ptr<SSL_CTX, TlsContextFree>;
/// `invalid_config` if the files (PEM) are not a certificate and its key.
[[nodiscard]] pipeline::Result<TlsContext> make_tls_context(const std::string& cert, const std::string& key);

/// A connection that is not used for so long ends; a client that reads nothing for so long, too.
inline constexpr std::chrono::seconds stub_idle_max{75};

class StubSocket final : public ByteStream {
 public:
  /// Owns `fd`. `context`: null for plain HTTP.
  StubSocket(int fd, SSL_CTX* context);
  ~StubSocket() override;
  StubSocket(const StubSocket&) = delete;
  StubSocket& operator=(const StubSocket&) = delete;

  [[nodiscard]] bool handshake();
  [[nodiscard]] std::size_t read(char* into, std::size_t bytes_max) override;
  [[nodiscard]] bool write(std::string_view bytes) override;

  /// Waits; false if the client left before the time was over, or `stop` became readable. Below 0: for ever.
  [[nodiscard]] bool wait(std::int64_t ms, int stop) const;
  /// Nothing more will be written, and TLS does not say so.
  void half_close() const;
  /// The client gets an RST. Nothing may be read or written after it.
  void reset();
  /// Ends it so that what was written still arrives: reads off what the client still sends, for a bounded time.
  void finish();
  [[nodiscard]] int fd() const {
    return fd_;
  }

 private:
  struct TlsFree {
    void operator()(SSL* tls) const {
      SSL_free(tls);
    }
  };
  int fd_;
  std::unique_ptr<SSL, TlsFree> tls_;
};

}  // namespace alluvium::connectors
