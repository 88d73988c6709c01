// SPDX-License-Identifier: Apache-2.0
// One TCP or TLS connection to an HTTP server. Only http_client.cpp includes it.
#pragma once

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include "connectors/reply_parser.hpp"
#include "connectors/url.hpp"

namespace alluvium::connectors {

/// Verifies the peer, TLS 1.2 at least. `ca_file`: PEM; empty: the system's certificates.
[[nodiscard]] inline pipeline::Result<boost::asio::ssl::context> make_tls_context(const std::string& ca_file) {
  boost::asio::ssl::context context{boost::asio::ssl::context::tls_client};
  boost::system::error_code error;
  if (ca_file.empty()) {
    context.set_default_verify_paths(error);
  } else {
    context.load_verify_file(ca_file, error);
  }
  if (error) {
    return pipeline::fail(pipeline::Errc::invalid_config, "the certificates in " +
                                                              (ca_file.empty() ? "the system's folder" : ca_file) +
                                                              " can't be read: " + error.message());
  }
  context.set_verify_mode(boost::asio::ssl::verify_peer, error);
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  return context;
}

/// All on the I/O thread. Operations keep it alive until they have ended.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  using ErrorCode = boost::system::error_code;
  static constexpr std::size_t piece_bytes = std::size_t{16} << 10;

  explicit HttpConnection(boost::asio::io_context& io) : resolver_{io}, socket_{io} {}

  /// `done` gets an empty text, or says why there is no connection. `tls` is null for plain HTTP.
  void open(const Url& url, boost::asio::ssl::context* tls, std::function<void(std::string)> done) {
    url_ = url;
    tls_context_ = tls;
    opened_ = std::move(done);
    ErrorCode not_an_address;
    const auto address = boost::asio::ip::make_address(url.host, not_an_address);
    if (!not_an_address) {
      connect_to(std::array{boost::asio::ip::tcp::endpoint{address, url.port}});
      return;
    }
    resolver_.async_resolve(url.host, std::to_string(url.port),
                            [self = shared_from_this()](const ErrorCode& error, const auto& found) {
                              if (error) {
                                self->opened("the name " + self->url_.host + " can't be resolved: " + error.message());
                              } else {
                                self->connect_to(found);
                              }
                            });
  }

  /// `then(error, bytes)`; `next_piece(error, bytes)` is asked before each piece how long it may be.
  template <class Buffers, class NextPiece, class Then>
  void write(const Buffers& buffers, NextPiece next_piece, Then then) {
    if (tls_) {
      boost::asio::async_write(*tls_, buffers, next_piece, then);
    } else {
      boost::asio::async_write(socket_, buffers, next_piece, then);
    }
  }

  /// Reads a piece into buffer(); `then(error, bytes)`. Only while there is room().
  template <class Then>
  void read(Then then) {
    const auto place = buffer_.prepare(piece_bytes);
    const auto committed = [self = shared_from_this(), then](const ErrorCode& error, std::size_t got) {
      self->buffer_.commit(got);
      then(error, got);
    };
    if (tls_) {
      tls_->async_read_some(place, committed);
    } else {
      socket_.async_read_some(place, committed);
    }
  }

  /// What was read and not yet consumed.
  [[nodiscard]] boost::beast::flat_buffer& buffer() {
    return buffer_;
  }
  /// False if what is unparsed is longer than a header block can be.
  [[nodiscard]] bool has_room() const {
    return buffer_.size() + piece_bytes <= buffer_.max_size();
  }

  /// Whatever waits on it ends, with operation_aborted.
  void close() {
    ErrorCode ignored;
    resolver_.cancel();
    socket_.close(ignored);
  }

  /// True if the server has neither closed it nor said anything that nobody asked for.
  [[nodiscard]] bool is_quiet() {
    if (tls_ &&
        (SSL_has_pending(tls_->native_handle()) == 1 || BIO_ctrl_pending(SSL_get_rbio(tls_->native_handle())) > 0)) {
      return false;
    }
    char byte = 0;
    const auto got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && errno == EAGAIN;
  }

  std::chrono::steady_clock::time_point idle_since;

 private:
  void opened(std::string error) {
    const auto done = std::move(opened_);
    done(std::move(error));
  }

  template <class Endpoints>
  void connect_to(const Endpoints& endpoints) {
    // They live as long as the handler does: Asio only keeps iterators into them.
    const auto kept = std::make_shared<const Endpoints>(endpoints);
    boost::asio::async_connect(socket_, *kept, [self = shared_from_this(), kept](const ErrorCode& error, const auto&) {
      if (error) {
        self->opened("can't connect to " + self->url_.host_header() + ": " + error.message());
        return;
      }
      ErrorCode ignored;
      self->socket_.set_option(boost::asio::ip::tcp::no_delay{true}, ignored);
      if (self->tls_context_ == nullptr) {
        self->opened({});
      } else {
        self->shake_hands();
      }
    });
  }

  /// The name that the certificate must be for, also told to the server if it is no address.
  [[nodiscard]] bool set_name(SSL* tls) {
    ErrorCode not_an_address;
    boost::asio::ip::make_address(url_.host, not_an_address);
    if (!not_an_address) {
      return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), url_.host.c_str()) == 1;
    }
    SSL_set_hostflags(tls, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(tls, url_.host.c_str()) == 1 &&
           SSL_ctrl(tls, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, url_.host.data()) == 1;
  }

  void shake_hands() {
    tls_.emplace(socket_, *tls_context_);
    if (!set_name(tls_->native_handle())) {
      opened("TLS does not take the name " + url_.host);
      return;
    }
    tls_->async_handshake(boost::asio::ssl::stream_base::client, [self = shared_from_this()](const ErrorCode& error) {
      if (!error) {
        self->opened({});
        return;
      }
      const auto verdict = SSL_get_verify_result(self->tls_->native_handle());
      self->opened("TLS with " + self->url_.host_header() + " failed: " +
                   (verdict == X509_V_OK
                        ? error.message()
                        : std::string{"its certificate is refused: "} + X509_verify_cert_error_string(verdict)));
    });
  }

  Url url_;
  boost::asio::ssl::context* tls_context_ = nullptr;
  std::function<void(std::string)> opened_;
  boost::asio::ip::tcp::resolver resolver_;
  boost::asio::ip::tcp::socket socket_;
  std::optional<boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>> tls_;
  boost::beast::flat_buffer buffer_{ReplyParser::header_bytes_max + 2 * piece_bytes};
};

}  // namespace alluvium::connectors
