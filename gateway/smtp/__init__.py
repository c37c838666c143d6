"""Stations 1 and 7: the SMTP door (server) and the courier that hands sealed mails over (client)."""
