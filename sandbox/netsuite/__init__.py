"""Stand-in of NetSuite: SuiteTalk SOAP web services, endpoint 2023_2.

The contract of a request and an answer (`vocabulary`, `contract`) is kept as one short table; the
WSDL and XSDs a client loads (`wsdl`), the check of what comes in (`soap`) and the reading and
writing of records (`codec`) all follow from it.
"""
