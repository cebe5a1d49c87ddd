"""Salesforce: accounts, contacts, products, price books, deals, orders and contracts read over REST and SOQL; billing status written back."""
