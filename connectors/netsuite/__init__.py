"""NetSuite over SuiteTalk SOAP 2023.2: customers, invoices, credit memos, journal entries and payments."""
