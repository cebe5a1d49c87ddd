"""Stand-in for a Salesforce org: OAuth, REST API v60.0 and SOQL over plain HTTP.

Written from Salesforce's REST API Developer Guide, SOQL and SOSL Reference and Object
Reference (Spring '24, API v60.0). The entry point is `sandbox.salesforce.app.create_app`.
"""
