"""Who can be written to, where, and with which key; knows nothing of the gateway."""
