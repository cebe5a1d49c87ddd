"""What happens to a record: store, sync, billing, release, delivery, exceptions, approvals, audit.

The rooms are named after the stages of an invoice's life. A stage never calls the next one: it reads what is due from the store and leaves the next
stage's work there, so each can be run, read and tested alone.
"""
