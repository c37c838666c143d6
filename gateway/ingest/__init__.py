"""Station 1, doors other than SMTP: MLLP, drop folder, IMAP mailbox."""
