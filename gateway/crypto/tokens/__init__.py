"""Private keys that stay in a PKCS #11 token (smart card, HSM, SoftHSM): they sign and open there, or not at all."""
