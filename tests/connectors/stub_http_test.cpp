// SPDX-License-Identifier: Apache-2.0
#include "connectors/stub_http.hpp"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace alluvium::connectors {
namespace {

/// A client that has sent everything, which arrives in pieces.
class Sent final : public ByteStream {
 public:
  explicit Sent(std::string bytes, std::size_t piece = 1'000'000) : bytes_{std::move(bytes)}, piece_{piece} {}
  std::size_t read(char* into, std::size_t bytes_max) override {
    const auto count = std::min({bytes_max, piece_, bytes_.size() - at_});
    std::copy_n(bytes_.data() + at_, count, into);
    at_ += count;
    return count;
  }
  bool write(std::string_view bytes) override {
    written += bytes;
    return true;
  }
  std::string written;

 private:
  std::string bytes_;
  std::size_t at_ = 0;
  std::size_t piece_;
};

int status_of(const std::string& bytes) {
  Sent sent{bytes};
  const auto read = HttpReader{sent}.next();
  return read ? 200 : read.error().status;
}

TEST(StubHttp, ReadsOneRequestAfterAnother) {
  Sent sent{
      "POST /v1/messages?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
      "GET /healthz HTTP/1.0\r\n\r\n"};
  HttpReader reader{sent};
  const auto first = reader.next();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->path, "/messages");
  EXPECT_EQ(first->query, "x=1");
  EXPECT_EQ(first->body, "abc");
  EXPECT_EQ(first->headers.get("host"), "a");
  EXPECT_TRUE(first->keep_alive);
  const auto second = reader.next();
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->method, "GET");
  EXPECT_FALSE(second->keep_alive);
  EXPECT_EQ(reader.next().error().status, 0);
}

TEST(StubHttp, ReadsABodyInChunks) {
  EXPECT_TRUE(rc::check("however it is divided", [](const std::string& body) {
    const auto piece = *rc::gen::inRange<std::size_t>(1, 40);
    std::string bytes = "POST /v1/files HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n";
    for (std::size_t at = 0; at < body.size();) {
      const auto size = std::min(*rc::gen::inRange<std::size_t>(1, 15), body.size() - at);
      bytes += (size < 10 ? "0" + std::to_string(size) : std::string{"0"} + "abcde"[size - 10]) + ";x=y\r\n";
      bytes += body.substr(at, size) + "\r\n";
      at += size;
    }
    Sent sent{bytes + "0\r\nTrailer: 1\r\n\r\nGET / HTTP/1.1\r\n\r\n", piece};
    HttpReader reader{sent};
    const auto request = reader.next();
    RC_ASSERT(request.has_value() && request->body == body);
    RC_ASSERT(reader.next().has_value());
  }));
}

TEST(StubHttp, TellsAClientThatWaitsToGoOn) {
  Sent sent{"POST /x HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\nhi"};
  EXPECT_TRUE(HttpReader{sent}.next().has_value());
  EXPECT_EQ(sent.written, "HTTP/1.1 100 Continue\r\n\r\n");
  Sent too_much{"POST /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 999999999\r\n\r\n"};
  EXPECT_EQ(HttpReader{too_much}.next().error().status, 413);
  EXPECT_EQ(too_much.written, "");
}

TEST(StubHttp, RefusesWhatIsNoRequest) {
  EXPECT_EQ(status_of("nonsense\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET x HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/2.0\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nno colon\r\n\r\n"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n1"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nx: " + std::string(stub_head_bytes_max, 'x') + "\r\n\r\n"), 431);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nabc"), 0);
  EXPECT_EQ(status_of(""), 0);
}

TEST(StubHttp, UploadsMayBeLongerThanCalls) {
  const auto post = [](const std::string& path, std::size_t bytes) {
    return status_of("POST " + path + " HTTP/1.1\r\ncontent-length: " + std::to_string(bytes) + "\r\n\r\n");
  };
  EXPECT_EQ(post("/v1/chat/completions", stub_call_bytes_max + 1), 413);
  EXPECT_EQ(post("/v1/chat/completions", stub_call_bytes_max), 0);
  EXPECT_EQ(post("/v1/files", stub_upload_bytes_max), 0);
  EXPECT_EQ(post("/v1/files", stub_upload_bytes_max + 1), 413);
}

TEST(StubHttp, EveryReplySaysThatItIsASimulation) {
  const auto head = stub_head({429, "", "text/plain", {}}, 7, false);
  EXPECT_TRUE(head.starts_with("HTTP/1.1 429 Too Many Requests\r\n"));
  EXPECT_NE(head.find("server: alluvium-stub-model (simulation)\r\n"), std::string::npos);
  EXPECT_NE(head.find("content-length: 7\r\nconnection: close\r\n"), std::string::npos);
}

}  // namespace
}  // namespace alluvium::connectors
