"""The WSDL and XSDs a SOAP client loads from the stand-in, written from `contract`.

Namespaces, operations, SOAPActions, messages and headers are those of the vendor's WSDL 2023_2, for
the operations and types kept here.
"""

from collections.abc import Iterator
from xml.sax.saxutils import quoteattr

from sandbox.netsuite.contract import BUILT_IN, ELEMENTS, TYPES, VERSION, Field, Type, namespace
from sandbox.netsuite.vocabulary import FAULT_NAMES, SCHEMAS

PATH = f"/services/NetSuitePort_{VERSION}"
TARGET = f"urn:platform_{VERSION}.webservices.netsuite.com"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"

OPERATIONS = {
    "add": "preferences",
    "addList": "preferences",
    "delete": "preferences",
    "get": "preferences",
    "getDataCenterUrls": "preferences",
    "getList": "preferences",
    "getServerTime": None,
    "search": "searchPreferences",
    "searchMoreWithId": "searchPreferences",
    "upsert": "preferences",
    "upsertList": "preferences",
}
"""The operations, each with the preferences header it takes beside the credentials."""


def schema_path(schema: str) -> str:
    """Return the path a schema is served at, e.g. "/xsd/platform/v2023_2_0/core.xsd"."""
    area, name = schema.split("/")
    return f"/xsd/{area}/v{VERSION}_0/{name}.xsd"


def _prefix(schema: str) -> str:
    return schema.replace("/", "")


def _type_name(name: str) -> str:
    return f"xsd:{name}" if name in BUILT_IN else f"{_prefix(TYPES[name].schema)}:{name}"


def _tag(tag: str, /, **attributes: str | None) -> str:
    given = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items() if value)
    return f"<xsd:{tag}{given}"


def _field(field: Field) -> str:
    if field.attribute:
        use = "required" if field.required else None
        return _tag("attribute", name=field.name, type=_type_name(field.type), use=use) + "/>"
    occurs = {"minOccurs": None if field.required else "0", "maxOccurs": "unbounded" if field.many else None}
    if field.reference:
        return _tag("element", ref=f"{_prefix(field.schema)}:{field.name}", **occurs) + "/>"
    return _tag("element", name=field.name, type=_type_name(field.type), **occurs) + "/>"


def _content(fields: tuple[Field, ...]) -> str:
    elements = "".join(_field(field) for field in fields if not field.attribute)
    attributes = "".join(_field(field) for field in fields if field.attribute)
    return (f"<xsd:sequence>{elements}</xsd:sequence>" if elements else "") + attributes


def _simple_type(kind: Type) -> str:
    facets = "".join(_tag("enumeration", value=value) + "/>" for value in kind.values)
    if kind.pattern:
        facets += _tag("pattern", value=kind.pattern) + "/>"
    restriction = _tag("restriction", base=_type_name(str(kind.text))) + f">{facets}</xsd:restriction>"
    return _tag("simpleType", name=kind.name) + f">{restriction}</xsd:simpleType>"


def _type(kind: Type) -> str:
    if kind.simple:
        return _simple_type(kind)
    content = _content(kind.own)
    parent, holder = (kind.text, "simpleContent") if kind.text else (kind.base, "complexContent")
    if parent:
        extension = _tag("extension", base=_type_name(parent)) + f">{content}</xsd:extension>"
        content = f"<xsd:{holder}>{extension}</xsd:{holder}>"
    abstract = "true" if kind.abstract else None
    return _tag("complexType", name=kind.name, abstract=abstract) + f">{content}</xsd:complexType>"


def _imports(schemas: Iterator[str], up: str) -> str:
    return "".join(
        _tag("import", namespace=namespace(schema), schemaLocation=up + schema_path(schema)) + "/>"
        for schema in schemas
    )


def schema_text(schema: str) -> str:
    """Return one XSD, e.g. of "platform/core"."""
    prefixes = "".join(f' xmlns:{_prefix(name)}="{namespace(name)}"' for name in SCHEMAS)
    types = "".join(_type(kind) for kind in TYPES.values() if kind.schema == schema)
    elements = "".join(
        _tag("element", name=name, type=_type_name(type_name)) + "/>"
        for name, (home, type_name) in ELEMENTS.items()
        if home == schema
    )
    imports = _imports((name for name in SCHEMAS if name != schema), "../../..")
    return (
        f'<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema"{prefixes} targetNamespace="{namespace(schema)}" '
        f'elementFormDefault="qualified">{imports}{types}{elements}</xsd:schema>'
    )


def envelope_schema() -> str:
    """Return an XSD of a SOAP envelope whose headers and body are of this contract."""
    return (
        f'<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" targetNamespace="{ENVELOPE}" '
        f'xmlns:s="{ENVELOPE}" elementFormDefault="qualified">{_imports(iter(SCHEMAS), "")}'
        '<xsd:complexType name="Header"><xsd:sequence>'
        '<xsd:any namespace="##any" processContents="lax" minOccurs="0" maxOccurs="unbounded"/>'
        '</xsd:sequence><xsd:anyAttribute processContents="lax"/></xsd:complexType>'
        '<xsd:complexType name="Body"><xsd:sequence><xsd:any namespace="##any" processContents="strict"/>'
        '</xsd:sequence><xsd:anyAttribute processContents="lax"/></xsd:complexType>'
        '<xsd:element name="Envelope"><xsd:complexType><xsd:sequence>'
        '<xsd:element name="Header" type="s:Header" minOccurs="0"/><xsd:element name="Body" type="s:Body"/>'
        '</xsd:sequence><xsd:anyAttribute processContents="lax"/></xsd:complexType></xsd:element></xsd:schema>'
    )


def _message(name: str, part: str, element: str) -> str:
    return f'<message name="{name}"><part name="{part}" element="{element}"/></message>'


def _messages() -> str:
    headers = ("applicationInfo", "partnerInfo", "documentInfo", "preferences", "searchPreferences", "tokenPassport")
    parts = "".join(f'<part name="{name}" element="m:{name}"/>' for name in headers)
    pairs = "".join(
        _message(f"{name}Request", "parameters", f"m:{name}")
        + _message(f"{name}Response", "parameters", f"m:{name}Response")
        for name in OPERATIONS
    )
    faults = "".join(_message(name, "fault", f"f:{name[0].lower()}{name[1:]}") for name in FAULT_NAMES)
    return f'<message name="headers">{parts}</message>{pairs}{faults}'


def _port_operation(name: str) -> str:
    faults = "".join(f'<fault name="{fault}" message="tns:{fault}"/>' for fault in FAULT_NAMES)
    return (
        f'<operation name="{name}"><input name="{name}Request" message="tns:{name}Request"/>'
        f'<output name="{name}Response" message="tns:{name}Response"/>{faults}</operation>'
    )


def _bound_operation(name: str, preferences: str | None) -> str:
    parts = ["tokenPassport", "applicationInfo", "partnerInfo", *([preferences] if preferences else [])]
    headers = "".join(f'<soap:header message="tns:headers" part="{part}" use="literal"/>' for part in parts)
    faults = "".join(
        f'<fault name="{fault}"><soap:fault name="{fault}" use="literal"/></fault>' for fault in FAULT_NAMES
    )
    answered = '<soap:header message="tns:headers" part="documentInfo" use="literal"/><soap:body use="literal"/>'
    return (
        f'<operation name="{name}"><soap:operation soapAction="{name}"/>'
        f'<input name="{name}Request">{headers}<soap:body use="literal"/></input>'
        f'<output name="{name}Response">{answered}</output>{faults}</operation>'
    )


def wsdl_text(base_url: str) -> str:
    """Return the WSDL of a stand-in that is reached at `base_url` (without a final slash)."""
    ports = "".join(_port_operation(name) for name in OPERATIONS)
    bound = "".join(_bound_operation(name, preferences) for name, preferences in OPERATIONS.items())
    return (
        f'<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" '
        f'xmlns:tns="{TARGET}" xmlns:m="{namespace("platform/messages")}" xmlns:f="{namespace("platform/faults")}" '
        f'targetNamespace="{TARGET}"><types><xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
        f"{_imports(iter(SCHEMAS), base_url)}</xsd:schema></types>{_messages()}"
        f'<portType name="NetSuitePortType">{ports}</portType>'
        f'<binding name="NetSuiteBinding" type="tns:NetSuitePortType">'
        f'<soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>{bound}</binding>'
        f'<service name="NetSuiteService"><port name="NetSuitePort" binding="tns:NetSuiteBinding">'
        f'<soap:address location="{base_url}{PATH}"/></port></service></definitions>'
    )
