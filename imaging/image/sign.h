/* Signatures over an image's head (ECDSA P-256 with SHA-256) and the keys they are made with.
 *
 * A key is a pair of PEM files: NAME.key (PKCS#8 or SEC1, mode 0600) and NAME.pub
 * (SubjectPublicKeyInfo), as openssl writes and reads them. Signatures are deterministic (RFC
 * 6979): the same image and key give the same bytes. */
#ifndef IMAGING_IMAGE_SIGN_H
#define IMAGING_IMAGE_SIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "imaging/image/image.h"

struct sign_key {
    uint8_t secret[32];
    uint8_t pub[IMG_PUBKEY_BYTES]; /* 04 || X || Y */
};

/* Makes a new key from the system's random numbers. */
int sign_key_make(struct sign_key *, struct err *);
/* Writes the pair; neither file may exist yet. On error none is left behind. */
int sign_key_write(const struct sign_key *, const char *key_path, const char *pub_path,
                   struct err *);
int sign_key_read(struct sign_key *, const char *key_path, struct err *);
/* The public half as PEM: what the second file of sign_key_write holds. 0 or IMG_EKEY. */
#define SIGN_PUB_TEXT 256
int sign_pub_text(const struct sign_key *, char text[SIGN_PUB_TEXT]);
/* A public key from a file in PEM. */
int sign_pub_read(uint8_t pub[IMG_PUBKEY_BYTES], const char *pub_path, struct err *);

/* A signature over any hash, as 32 bytes of r and of s. Whoever hashes says in what he hashes what
 * it is, so that no signature over one kind of thing passes for another. */
int sign_hash(const struct sign_key *, const uint8_t hash[IMG_HASH_BYTES],
              uint8_t signature[IMG_SIGNATURE_BYTES], struct err *);
bool sign_hash_right(const uint8_t pub[IMG_PUBKEY_BYTES], const uint8_t hash[IMG_HASH_BYTES],
                     const uint8_t signature[IMG_SIGNATURE_BYTES]);

/* Sets signer and signature of a head whose other fields are final. */
int img_sign(struct img_head *, const struct sign_key *, struct err *);
/* 0 when the head's signature is by its signer; IMG_EUNTRUSTED when it is unsigned, IMG_ESIGNATURE
 * when it is wrong. */
int img_signature_check(const struct img_head *, struct err *);
/* img_signature_check, and the signer must be `pub`, else IMG_EUNTRUSTED. */
int img_trust_check(const struct img_head *, const uint8_t pub[IMG_PUBKEY_BYTES], struct err *);

#endif
