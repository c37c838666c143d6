"""OpenPGP Web Key Directory (draft-koch-openpgp-webkey-service): keys that a domain publishes for its own mailboxes."""
