/* What this program changes in mbedTLS's default configuration (tools/deps builds with it), a
 * reason on each line. What stays on: TLS 1.3 for both ends through PSA, 1.2 with ECDHE, ECDSA,
 * RSA, ECDH over P-256 and X25519, AES-GCM, ChaCha20-Poly1305, SHA-256 and SHA-384, X.509 to write
 * and to read. PSA's key slots are used by one thread, the one that owns the stack; other threads
 * use hashes and ciphers on contexts of their own. */
#ifndef RINGCAST_MBEDTLS_CONFIG_H
#define RINGCAST_MBEDTLS_CONFIG_H

/* ---- TLS 1.3, and for the client that pulls images 1.2 of the kind that has forward secrecy
 * (net/tls/tls.h) ---- */
#undef MBEDTLS_SSL_PROTO_DTLS
#undef MBEDTLS_SSL_DTLS_CONNECTION_ID
#undef MBEDTLS_SSL_DTLS_CONNECTION_ID_COMPAT
#undef MBEDTLS_SSL_DTLS_ANTI_REPLAY
#undef MBEDTLS_SSL_DTLS_HELLO_VERIFY
#undef MBEDTLS_SSL_DTLS_CLIENT_PORT_REUSE
#undef MBEDTLS_SSL_COOKIE_C
/* of 1.2 from here on; the ciphers that would need it are not offered */
#undef MBEDTLS_SSL_ENCRYPT_THEN_MAC
#undef MBEDTLS_SSL_RENEGOTIATION
#undef MBEDTLS_SSL_CONTEXT_SERIALIZATION
#undef MBEDTLS_KEY_EXCHANGE_PSK_ENABLED
#undef MBEDTLS_KEY_EXCHANGE_DHE_PSK_ENABLED
#undef MBEDTLS_KEY_EXCHANGE_ECDHE_PSK_ENABLED
#undef MBEDTLS_KEY_EXCHANGE_RSA_PSK_ENABLED
#undef MBEDTLS_KEY_EXCHANGE_RSA_ENABLED
#undef MBEDTLS_KEY_EXCHANGE_DHE_RSA_ENABLED
#undef MBEDTLS_KEY_EXCHANGE_ECDH_ECDSA_ENABLED
#undef MBEDTLS_KEY_EXCHANGE_ECDH_RSA_ENABLED
/* a ticket's key would be one more secret that outlives its connection */
#undef MBEDTLS_SSL_SESSION_TICKETS
#undef MBEDTLS_SSL_TICKET_C
#undef MBEDTLS_SSL_CACHE_C
#undef MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_PSK_ENABLED
#undef MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_PSK_EPHEMERAL_ENABLED
#undef MBEDTLS_DHM_C /* no groups over finite fields: slow, and nobody needs them */

/* ---- chance ---- */
/* net/tls/entropy.c: the library's own sources open /dev/urandom, which the box may not */
#define MBEDTLS_PSA_CRYPTO_EXTERNAL_RNG
#define MBEDTLS_NO_PLATFORM_ENTROPY
#undef MBEDTLS_ENTROPY_C
#undef MBEDTLS_CTR_DRBG_C

/* ---- bounded buffers ---- */
#define MBEDTLS_SSL_IN_CONTENT_LEN 16384 /* a peer may send records of this size */
/* three segments: what a connection keeps until TCP takes it */
#define MBEDTLS_SSL_OUT_CONTENT_LEN 4096

/* ---- what nobody calls ---- */
#undef MBEDTLS_PSA_CRYPTO_STORAGE_C /* keys are kept in files of ours */
#undef MBEDTLS_PSA_ITS_FILE_C
#undef MBEDTLS_NET_C /* the kernel has no IP stack to offer */
#undef MBEDTLS_TIMING_C
#undef MBEDTLS_DEBUG_C
#undef MBEDTLS_SELF_TEST
#undef MBEDTLS_VERSION_FEATURES
#undef MBEDTLS_ECJPAKE_C
#undef MBEDTLS_CAMELLIA_C
#undef MBEDTLS_ARIA_C
#undef MBEDTLS_DES_C
#undef MBEDTLS_RIPEMD160_C
#undef MBEDTLS_NIST_KW_C
#undef MBEDTLS_LMS_C
#undef MBEDTLS_PKCS7_C
#undef MBEDTLS_PKCS12_C
#undef MBEDTLS_PKCS5_C
#undef MBEDTLS_X509_CRL_PARSE_C
#undef MBEDTLS_X509_CSR_PARSE_C
#undef MBEDTLS_X509_CSR_WRITE_C
#undef MBEDTLS_ECP_DP_SECP192R1_ENABLED /* curves too small, or of nobody's choice */
#undef MBEDTLS_ECP_DP_SECP224R1_ENABLED
#undef MBEDTLS_ECP_DP_SECP192K1_ENABLED
#undef MBEDTLS_ECP_DP_SECP224K1_ENABLED
#undef MBEDTLS_ECP_DP_SECP256K1_ENABLED
#undef MBEDTLS_ECP_DP_BP256R1_ENABLED
#undef MBEDTLS_ECP_DP_BP384R1_ENABLED
#undef MBEDTLS_ECP_DP_BP512R1_ENABLED
#undef MBEDTLS_ECP_DP_CURVE448_ENABLED

#endif
