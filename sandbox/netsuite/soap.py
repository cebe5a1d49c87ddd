"""SOAP 1.1 envelopes: what comes in is checked against the contract, what goes out follows it."""

from dataclasses import dataclass
from threading import Lock
from typing import Any

from lxml import etree

from sandbox.answers import Answer
from sandbox.netsuite.contract import element_tag, namespace
from sandbox.netsuite.vocabulary import SCHEMAS
from sandbox.netsuite.wsdl import ENVELOPE, envelope_schema, schema_path, schema_text

MEDIA_TYPE = "text/xml; charset=utf-8"
CORE = namespace("platform/core")
MESSAGES = namespace("platform/messages")
FAULTS = namespace("platform/faults")
NSMAP = {
    "soapenv": ENVELOPE,
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "platformCore": CORE,
    "platformMsgs": MESSAGES,
}


class SoapFaultError(Exception):
    """The whole request is refused with a SOAP fault.

    Attributes:
        name: Type of the fault's detail, one of `vocabulary.FAULT_NAMES`.
        code: A value of the vendor's FaultCodeType.
        message: What went wrong, in words.
    """

    def __init__(self, name: str, code: str, message: str) -> None:
        super().__init__(message)
        self.name, self.code, self.message = name, code, message


@dataclass(frozen=True)
class Call:
    """A request that fits the contract: the operation's element and the header's children by name."""

    operation: str
    body: etree._Element
    headers: dict[str, etree._Element]


class _Schemas(etree.Resolver):
    """Gives the XSDs to lxml without a network."""

    def resolve(self, url: str, pubid: str | None, context: Any) -> Any:  # type: ignore[override]
        text = next(schema_text(schema) for schema in SCHEMAS if url.endswith(schema_path(schema)))
        return self.resolve_string(text, context, base_url=url)


class EnvelopeReader:
    """Parses and checks envelopes; may be used from several threads."""

    def __init__(self) -> None:
        parser = etree.XMLParser()
        parser.resolvers.add(_Schemas())
        self._schema = etree.XMLSchema(etree.fromstring(envelope_schema(), parser))
        self._lock = Lock()

    def read(self, text: bytes) -> Call:
        """Read a request.

        Raises:
            SoapFaultError: The text is not XML or does not fit the contract; the message says where.
        """
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True, remove_comments=True)
        try:
            envelope = etree.fromstring(text, parser)
        except etree.XMLSyntaxError as error:
            raise _unfit(str(error)) from error
        with self._lock:
            try:
                self._schema.assertValid(envelope)
            except etree.DocumentInvalid as error:
                raise _unfit(str(error)) from error
        return _call(envelope)


def _unfit(message: str) -> SoapFaultError:
    return SoapFaultError("UnexpectedErrorFault", "USER_ERROR", f"org.xml.sax.SAXException: {message}")


def _call(envelope: etree._Element) -> Call:
    header = envelope.find(f"{{{ENVELOPE}}}Header")
    body = envelope.find(f"{{{ENVELOPE}}}Body")
    headers = {} if header is None else {etree.QName(node).localname: node for node in header}
    operation = next(iter(body)) if body is not None else envelope
    return Call(etree.QName(operation).localname, operation, headers)


def new_answer(element: str, ns_id: str) -> tuple[etree._Element, etree._Element]:
    """Start an answer.

    Args:
        element: Local name of the response element, e.g. "addResponse".
        ns_id: The request's number in the vendor's usage log, put into the header.

    Returns:
        The envelope and the response element in it.
    """
    envelope = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap=NSMAP)
    info = etree.SubElement(etree.SubElement(envelope, f"{{{ENVELOPE}}}Header"), element_tag("documentInfo"))
    etree.SubElement(info, f"{{{MESSAGES}}}nsId").text = ns_id
    body = etree.SubElement(envelope, f"{{{ENVELOPE}}}Body")
    return envelope, etree.SubElement(body, element_tag(element))


def to_answer(envelope: etree._Element, status: int = 200) -> Answer:
    """Write an envelope as an HTTP answer."""
    return Answer(status, etree.tostring(envelope, xml_declaration=True, encoding="UTF-8"), MEDIA_TYPE)


def fault_answer(fault: SoapFaultError) -> Answer:
    """Write a fault. SOAP 1.1, section 6.2: over HTTP its status is 500."""
    envelope = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap=NSMAP)
    node = etree.SubElement(etree.SubElement(envelope, f"{{{ENVELOPE}}}Body"), f"{{{ENVELOPE}}}Fault")
    etree.SubElement(node, "faultcode").text = "soapenv:Server.userException"
    etree.SubElement(node, "faultstring").text = fault.message
    detail = etree.SubElement(node, "detail")
    tag = element_tag(fault.name[0].lower() + fault.name[1:])
    typed = etree.SubElement(detail, tag, nsmap={"platformFaults": FAULTS})
    etree.SubElement(typed, f"{{{FAULTS}}}code").text = fault.code
    etree.SubElement(typed, f"{{{FAULTS}}}message").text = fault.message
    return to_answer(envelope, 500)


def add_status(parent: etree._Element, code: str | None = None, message: str = "") -> None:
    """Append a status: success without a code, else one detail of type ERROR."""
    status = etree.SubElement(parent, f"{{{CORE}}}status", isSuccess="false" if code else "true")
    if code:
        detail = etree.SubElement(status, f"{{{CORE}}}statusDetail", type="ERROR")
        etree.SubElement(detail, f"{{{CORE}}}code").text = code
        etree.SubElement(detail, f"{{{CORE}}}message").text = message
