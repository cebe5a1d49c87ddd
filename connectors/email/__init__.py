"""Sends documents to people by e-mail (SMTP) and finds again what was sent in a journal mailbox (IMAP)."""
