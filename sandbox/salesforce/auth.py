"""Who may enter the org: OAuth 2.0 token requests, the SOAP login and the sessions they open.

Sources: Salesforce Help, "OAuth 2.0 Username-Password Flow" and "OAuth 2.0 Client Credentials
Flow" (answers and error codes); SOAP API Developer Guide v60.0, `login()`. A security token is
appended to the password; the OAuth flow also takes the password alone, as from a trusted network.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from sandbox.salesforce.answers import Answer, ApiError
from sandbox.salesforce.ids import make_id
from sandbox.storage import Storage

CLIENT_ID = "sandbox-client-id"
CLIENT_SECRET = "sandbox-client-secret"  # noqa: S105 - a stand-in's, invented
USERNAME = "billing.hub@meridian.example"
PASSWORD = "sandbox-password"  # noqa: S105 - a stand-in's, invented
SECURITY_TOKEN = "SandboxSecurityToken"  # noqa: S105 - a stand-in's, invented

ORG_ID = make_id("00D", 1)
USER_ID = make_id("005", 1)
SESSION_KIND = "AuthSession"

_SESSION_PREFIX = "0Ak"
_NOT_EXTERNAL = etree.XMLParser(resolve_entities=False, no_network=True)


def session_expired() -> ApiError:
    """Return the org's answer to an unknown or ended session."""
    return ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")


def request_limit_exceeded() -> ApiError:
    """Return the org's answer above its daily limit of calls."""
    return ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")


class Sessions:
    """The org's open sessions; they outlive a restart."""

    def __init__(self, storage: Storage, as_of: datetime) -> None:
        """Keep sessions in `storage`; the clock stands at `as_of`."""
        self._storage = storage
        self._as_of = as_of

    def open(self) -> tuple[str, datetime]:
        """Open a session and return its token and when it was issued."""
        number = self._storage.next_id(SESSION_KIND)
        secret = hmac.digest(CLIENT_SECRET.encode(), f"session {number}".encode(), "sha512")
        token = f"{ORG_ID[:15]}!{base64.urlsafe_b64encode(secret).decode().rstrip('=')}"
        session = {"Id": make_id(_SESSION_PREFIX, number), "UsersId": USER_ID}
        self._storage.insert(SESSION_KIND, session["Id"], session, token)
        return token, self._as_of + timedelta(seconds=number)

    def end(self, token: str) -> bool:
        """End a session; returns whether there was one."""
        session = self._storage.get_by_external_id(SESSION_KIND, token)
        return session is not None and self._storage.delete(SESSION_KIND, session["Id"])

    def check(self, authorization: str) -> None:
        """Let a request pass whose `Authorization` header names an open session.

        Raises:
            ApiError: 401 `INVALID_SESSION_ID`.
        """
        scheme, _, token = authorization.partition(" ")
        known = self._storage.get_by_external_id(SESSION_KIND, token.strip())
        if scheme.lower() not in ("bearer", "oauth") or known is None:
            raise session_expired()


def issue_token(sessions: Sessions, form: Mapping[str, str], authorization: str, base_url: str) -> Answer:
    """Answer `POST /services/oauth2/token`.

    Args:
        sessions: Where the session opens.
        form: The form fields.
        authorization: The `Authorization` header; HTTP Basic may carry client id and secret.
        base_url: This org's own URL, without a final slash.
    """
    grant = form.get("grant_type", "")
    client = _basic_client(authorization) or (form.get("client_id", ""), form.get("client_secret", ""))
    if grant not in ("password", "client_credentials"):
        return _refusal("unsupported_grant_type", "grant type not supported")
    if client[0] != CLIENT_ID:
        return _refusal("invalid_client_id", "client identifier invalid")
    if client[1] != CLIENT_SECRET:
        return _refusal("invalid_client", "invalid client credentials")
    if grant == "password" and not _knows_user(form.get("username", ""), form.get("password", "")):
        return _refusal("invalid_grant", "authentication failure")
    return Answer(200, _token(sessions, base_url))


def revoke_token(sessions: Sessions, form: Mapping[str, str]) -> Answer:
    """Answer `POST /services/oauth2/revoke`."""
    if sessions.end(form.get("token", "")):
        return Answer(200)
    return _refusal("invalid_token", "the token was invalid")


def soap_login(sessions: Sessions, envelope: bytes, base_url: str, version: str) -> tuple[int, str]:
    """Answer `login` of the partner SOAP API.

    Args:
        sessions: Where the session opens.
        envelope: The request.
        base_url: This org's own URL, without a final slash.
        version: API version of the path, e.g. `60.0`.

    Returns:
        HTTP status and the answer's XML.
    """
    username, password = _login_fields(envelope)
    if not _knows_user(username, password, trusted=False):
        return 500, _soap_fault("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.")
    token, _ = sessions.open()
    server_url = f"{base_url}/services/Soap/u/{version}/{ORG_ID}"
    return 200, _LOGIN_RESULT.format(session=escape(token), server=escape(server_url), user=USER_ID, org=ORG_ID)


def _token(sessions: Sessions, base_url: str) -> dict[str, Any]:
    token, issued = sessions.open()
    identity = f"{base_url}/id/{ORG_ID}/{USER_ID}"
    issued_at = str(int(issued.timestamp() * 1000))
    signature = hmac.digest(CLIENT_SECRET.encode(), (identity + issued_at).encode(), hashlib.sha256)
    return {
        "access_token": token,
        "signature": base64.b64encode(signature).decode(),
        "scope": "api",
        "instance_url": base_url,
        "id": identity,
        "token_type": "Bearer",
        "issued_at": issued_at,
    }


def _refusal(error: str, description: str) -> Answer:
    return Answer(400, {"error": error, "error_description": description})


def _knows_user(username: str, password: str, *, trusted: bool = True) -> bool:
    passwords = {PASSWORD + SECURITY_TOKEN} | ({PASSWORD} if trusted else set())
    return username == USERNAME and password in passwords


def _basic_client(authorization: str) -> tuple[str, str] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, secret


def _login_fields(envelope: bytes) -> tuple[str, str]:
    try:
        root = etree.fromstring(envelope, _NOT_EXTERNAL)
    except etree.XMLSyntaxError:
        return "", ""
    texts = {etree.QName(node).localname: node.text or "" for node in root.iter("{urn:partner.soap.sforce.com}*")}
    return texts.get("username", ""), texts.get("password", "")


def _soap_fault(code: str, message: str) -> str:
    return _FAULT.format(code=code, message=escape(message))


_LOGIN_RESULT = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com">'
    "<soapenv:Body><loginResponse><result>"
    "<passwordExpired>false</passwordExpired><sandbox>true</sandbox>"
    "<serverUrl>{server}</serverUrl><sessionId>{session}</sessionId><userId>{user}</userId>"
    "<userInfo><organizationId>{org}</organizationId><userId>{user}</userId></userInfo>"
    "</result></loginResponse></soapenv:Body></soapenv:Envelope>"
)
_FAULT = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:sf="urn:fault.partner.soap.sforce.com">'
    "<soapenv:Body><soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {message}</faultstring>"
    "<detail><sf:LoginFault><sf:exceptionCode>{code}</sf:exceptionCode>"
    "<sf:exceptionMessage>{message}</sf:exceptionMessage></sf:LoginFault></detail>"
    "</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
)
