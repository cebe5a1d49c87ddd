"""A stand-in of a mail provider: SMTP to send, IMAP to look into the journal of all that was sent."""
