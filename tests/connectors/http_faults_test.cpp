// SPDX-License-Identifier: Apache-2.0
#include <atomic>

#include <gtest/gtest.h>

#include "connectors/http_client.hpp"
#include "tests/connectors/http_fixture.hpp"

namespace alluvium::connectors {
namespace {

// Faults ---------------------------------------------------------------------------------------

TEST(HttpClient, HasNotSentWhatIsRefused) {
  const auto reply = client_of("http://127.0.0.1:" + std::to_string(tests::closed_port()))->call(post());
  EXPECT_EQ(reply.transport, Transport::not_sent);
  EXPECT_FALSE(reply.timed_out);
  EXPECT_EQ(reply.status, 0);
  EXPECT_NE(reply.error.find("can't connect to 127.0.0.1:"), std::string::npos) << reply.error;
}

TEST(HttpClient, HasNotSentToANameThatDoesNotExist) {
  const auto reply = client_of("http://no-such-host.invalid")->call(post());
  EXPECT_EQ(reply.transport, Transport::not_sent);
}

TEST(HttpClient, LosesTheReplyOfAServerThatGoesSilent) {
  const auto silent_from_the_start = reply_to("", hang, [](HttpOptions& options) { options.read_timeout = 50ms; });
  EXPECT_EQ(silent_from_the_start.transport, Transport::lost);
  EXPECT_TRUE(silent_from_the_start.timed_out);
  EXPECT_GE(silent_from_the_start.took, 50ms);
  const auto silent_half_way = reply_to("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", hang,
                                        [](HttpOptions& options) { options.read_timeout = 50ms; });
  EXPECT_EQ(silent_half_way.transport, Transport::lost);
  EXPECT_TRUE(silent_half_way.timed_out);
  EXPECT_EQ(silent_half_way.status, 0);
}

TEST(HttpClient, LosesAReplyThatDripsBeyondTheTotalTimeOut) {
  const auto drip = [](ScriptedPeer& peer) {
    while (!peer.closed_within(10ms)) {
      peer.write("x");
    }
  };
  const auto reply = reply_to("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", drip, [](HttpOptions& options) {
    options.read_timeout = 5s;
    options.total_timeout = 150ms;
  });
  EXPECT_EQ(reply.transport, Transport::lost);
  EXPECT_TRUE(reply.timed_out);
  EXPECT_GE(reply.took, 150ms);
  EXPECT_LT(reply.took, 5s);
}

TEST(HttpClient, TakesAReplyThatDripsWithinItsTime) {
  const auto drip = [](ScriptedPeer& peer) {
    for (int i = 0; i < 10 && !peer.closed_within(20ms); ++i) {
      peer.write("x");
    }
  };
  const auto reply = reply_to("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", drip,
                              [](HttpOptions& options) { options.read_timeout = 150ms; });
  EXPECT_EQ(reply.body, "xxxxxxxxxx");
}

TEST(HttpClient, LosesAReplyThatIsCutOff) {
  const auto reset = [](ScriptedPeer& peer) { peer.reset(); };
  EXPECT_EQ(reply_to("", close).transport, Transport::lost);
  EXPECT_EQ(reply_to("", reset).transport, Transport::lost);
  EXPECT_EQ(reply_to("HTTP/1.1 200", close).transport, Transport::lost);
  EXPECT_EQ(reply_to("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", close).transport, Transport::lost);
  EXPECT_EQ(reply_to("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", reset).transport, Transport::lost);
  EXPECT_EQ(reply_to("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", close).transport,
            Transport::lost);
}

TEST(HttpClient, LosesWhatIsNoHttp) {
  const auto reply = reply_to("SSH-2.0-OpenSSH_9.2\r\n\r\n", hang);
  EXPECT_EQ(reply.transport, Transport::lost);
  EXPECT_NE(reply.error.find("not HTTP"), std::string::npos) << reply.error;
}

TEST(HttpClient, LosesAReplyWhoseHeadersHaveNoEnd) {
  const auto flood = [](ScriptedPeer& peer) {
    for (int i = 0; i < 200 && !peer.closed_within(0ms); ++i) {
      peer.write("X-" + std::to_string(i) + ": " + std::string(1000, 'x') + "\r\n");
    }
    peer.until_closed();
  };
  EXPECT_EQ(reply_to("HTTP/1.1 200 OK\r\n", flood).transport, Transport::lost);
  const auto one_line = [](ScriptedPeer& peer) {
    peer.write(std::string(200'000, 'x'));
    peer.until_closed();
  };
  EXPECT_EQ(reply_to("HTTP/1.1 200 OK\r\nX: ", one_line).transport, Transport::lost);
  EXPECT_EQ(reply_to("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", one_line).transport, Transport::lost);
}

TEST(HttpClient, TakesABodyOfTheGreatestLengthAndCutsOffALongerOne) {
  const auto small = [](HttpOptions& options) { options.response_bytes_max = 10; };
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const auto greatest = reply_to("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789", hang, small);
  EXPECT_FALSE(greatest.too_large);
  EXPECT_EQ(greatest.body, "0123456789");
  EXPECT_FALSE(reply_to(chunked + "5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n", hang, small).too_large);
  for (const auto& bytes : {std::string{"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n0123456789A"},
                            std::string{"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n01"},
                            chunked + "5\r\n01234\r\n6\r\n56789A\r\n0\r\n\r\n", chunked + "FFFFFFFFFFF\r\n0123456789AB",
                            std::string{"HTTP/1.1 200 OK\r\n\r\n0123456789A"}}) {
    const auto reply = reply_to(bytes, hang, small);
    EXPECT_EQ(reply.transport, Transport::answered) << bytes;
    EXPECT_TRUE(reply.too_large) << bytes;
    EXPECT_EQ(reply.status, 200) << bytes;
    EXPECT_LE(reply.body.size(), 10U) << bytes;
  }
}

TEST(HttpClient, LetsARequestHaveALimitOfItsOwn) {
  const ScriptedServer server{echo};
  const auto client = client_of(server.url(), [](HttpOptions& options) { options.response_bytes_max = 4; });
  auto request = post("0123456789");
  EXPECT_TRUE(client->call(request).too_large);
  request.response_bytes_max = 10;
  EXPECT_EQ(client->call(request).body, "0123456789");
}

// TLS ------------------------------------------------------------------------------------------

TEST(HttpClient, SpeaksTlsWithAServerItTrusts) {
  const TestCertificate certificate{"IP:127.0.0.1,DNS:localhost"};
  const ScriptedServer server{echo, &certificate};
  for (const auto* host : {"127.0.0.1", "localhost"}) {
    const auto client =
        client_of(server.url("", host), [&](HttpOptions& options) { options.ca_file = certificate.file(); });
    const std::string body(300'000, 'x');
    for (int i = 0; i < 3; ++i) {
      const auto reply = client->call(post(body));
      EXPECT_EQ(reply.body, body) << reply.error;
    }
  }
  EXPECT_EQ(server.connections(), 2);
}

TEST(HttpClient, SendsNothingToAServerItDoesNotTrust) {
  const TestCertificate certificate{"IP:127.0.0.1"};
  const TestCertificate another{"IP:127.0.0.1"};
  std::atomic<int> requests{0};
  const ScriptedServer server{[&](ScriptedPeer& peer, int) { requests += peer.request() ? 1 : 0; }, &certificate};
  for (const auto& ca_file : {std::string{}, another.file()}) {
    const auto client = client_of(server.url(), [&](HttpOptions& options) { options.ca_file = ca_file; });
    const auto reply = client->call(post());
    EXPECT_EQ(reply.transport, Transport::not_sent);
    EXPECT_NE(reply.error.find("certificate is refused: "), std::string::npos) << reply.error;
  }
  EXPECT_EQ(requests, 0);
}

TEST(HttpClient, SendsNothingToAServerWithACertificateForAnotherName) {
  const TestCertificate certificate{"DNS:elsewhere.example,IP:127.0.0.2"};
  std::atomic<int> requests{0};
  const ScriptedServer server{[&](ScriptedPeer& peer, int) { requests += peer.request() ? 1 : 0; }, &certificate};
  for (const auto* host : {"127.0.0.1", "localhost"}) {
    const auto client =
        client_of(server.url("", host), [&](HttpOptions& options) { options.ca_file = certificate.file(); });
    const auto reply = client->call(post());
    EXPECT_EQ(reply.transport, Transport::not_sent);
    EXPECT_NE(reply.error.find("mismatch"), std::string::npos) << reply.error;
  }
  EXPECT_EQ(requests, 0);
}

TEST(HttpClient, DoesNotWaitForAHandshakeForever) {
  const ScriptedServer server{[](ScriptedPeer& peer, int) { peer.until_closed(); }};
  const auto url = "https://127.0.0.1:" + std::to_string(server.port());
  const auto reply = client_of(url, [](HttpOptions& options) { options.connect_timeout = 50ms; })->call(post());
  EXPECT_EQ(reply.transport, Transport::not_sent);
  EXPECT_TRUE(reply.timed_out);
}

TEST(HttpClient, RefusesOptionsThatCanNotWork) {
  HttpOptions options;
  for (const auto* url : {"", "example.com", "ftp://example.com", "http://user@example.com"}) {
    options.base_url = url;
    const auto client = HttpClient::make(options);
    ASSERT_FALSE(client.has_value()) << url;
    EXPECT_EQ(client.error().code, pipeline::Errc::invalid_config);
  }
  options.base_url = "https://example.com";
  options.ca_file = "no/such/file.pem";
  EXPECT_FALSE(HttpClient::make(options).has_value());
}

}  // namespace
}  // namespace alluvium::connectors
