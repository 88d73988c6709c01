// SPDX-License-Identifier: Apache-2.0
// A self-signed certificate, made when it is needed: none is kept in the repository, none can run out.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

namespace alluvium::tests {

class TestCertificate {
 public:
  /// `names` as OpenSSL writes them: "IP:127.0.0.1,DNS:localhost".
  explicit TestCertificate(const std::string& names) : key_{EVP_EC_gen("P-256")}, certificate_{X509_new()} {
    X509_set_version(certificate_, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate_), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate_), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate_), 3600);
    X509_set_pubkey(certificate_, key_);
    auto* const name = X509_get_subject_name(certificate_);
    const std::string common_name = "alluvium test";
    X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(common_name.data()),
                               static_cast<int>(common_name.size()), -1, 0);
    X509_set_issuer_name(certificate_, name);
    add(NID_basic_constraints, "critical,CA:TRUE");
    add(NID_subject_alt_name, names);
    if (X509_sign(certificate_, key_, EVP_sha256()) == 0) {
      std::abort();
    }
    auto path = (std::filesystem::temp_directory_path() / "alluvium-ca-XXXXXX").string();
    const int fd = ::mkstemp(path.data());
    file_ = path;
    auto* const out = fd >= 0 ? ::fdopen(fd, "w") : nullptr;
    if (out == nullptr || PEM_write_X509(out, certificate_) != 1 || std::fclose(out) != 0) {
      std::abort();
    }
  }
  ~TestCertificate() {
    ::unlink(file_.c_str());
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }
  TestCertificate(const TestCertificate&) = delete;
  TestCertificate& operator=(const TestCertificate&) = delete;

  /// PEM: for a client that is to trust it.
  [[nodiscard]] const std::string& file() const {
    return file_;
  }
  [[nodiscard]] SSL_CTX* server_context() const {
    auto* const context = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate(context, certificate_) != 1 || SSL_CTX_use_PrivateKey(context, key_) != 1) {
      std::abort();
    }
    return context;
  }

 private:
  void add(int nid, const std::string& value) {
    auto* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
    if (extension == nullptr || X509_add_ext(certificate_, extension, -1) != 1) {
      std::abort();
    }
    X509_EXTENSION_free(extension);
  }

  EVP_PKEY* key_;
  X509* certificate_;
  std::string file_;
};

}  // namespace alluvium::tests
