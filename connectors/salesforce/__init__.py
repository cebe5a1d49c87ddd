"""Salesforce: accounts, price books and contracts read over REST and SOQL; billing status written back."""
