"""The recorded documents of all companies and the rules by which they change.

    absent     --create-->          Saved, or Committed with `commit`
    Saved      --create-->          replaced (same id, same version)
    Saved      --commit-->          Committed
    Committed  --create, commit-->  refused, "DocStatus is invalid for this operation."
    any        --createoradjust-->  a new version; the former one is kept as Adjusted
    any but Cancelled --void-->     Cancelled

Source: descriptions of CreateTransaction, CreateOrAdjustTransaction, CommitTransaction and
VoidTransaction in the AvaTax REST v2 OpenAPI document; that Cancelled is as final as Committed for
`create` is from Avalara's developer blog on DocStatusError.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from sandbox.avatax.answers import transaction_model
from sandbox.avatax.calculation import TaxedDocument
from sandbox.avatax.documents import RECORDED_TYPES
from sandbox.avatax.errors import VendorError, doc_status_invalid, not_found
from sandbox.storage import Body, Storage

KIND = "Transaction"
FORMER_KIND = "AdjustedTransaction"
VOID_CODES = ("DocVoided", "DocDeleted")
FIRST_ID = 85_000_000_000


class Register:
    """Documents by company, type and code."""

    def __init__(self, storage: Storage, as_of: date) -> None:
        """Keep documents in `storage`, stamped with `as_of` plus one second a change."""
        self._storage = storage
        self._midnight = datetime(as_of.year, as_of.month, as_of.day, tzinfo=UTC)

    def estimate(self, taxed: TaxedDocument) -> Body:
        """Answer for a document that is not recorded."""
        header = {"id": 0, "code": taxed.document.code or _guid(0), "status": "Temporary", "version": 1}
        return transaction_model(taxed, {**header, **self._stamp(), "adjustmentReason": "NotAdjusted"})

    def create(self, taxed: TaxedDocument) -> Body:
        """Record a document, or replace the uncommitted one of the same code.

        Raises:
            VendorError: A committed or cancelled document has this code.
        """
        with self._storage.transaction():
            former = self._storage.get(KIND, _key(taxed))
            if former and former["status"] != "Saved":
                raise doc_status_invalid("Saved|Posted")
            same = {"id": former["id"], "version": former["version"]} if former else {"version": 1}
            return self._record(taxed, same)

    def create_or_adjust(self, taxed: TaxedDocument, reason: str, description: str) -> Body:
        """Record a document, or a new version of the one of the same code, whatever its status."""
        with self._storage.transaction():
            former = self._storage.get(KIND, _key(taxed))
            if former is None:
                return self._record(taxed, {"version": 1})
            kept = {**former, "status": "Adjusted"}
            self._storage.insert(FORMER_KIND, str(former["id"]), kept)
            changes = {"adjustmentReason": reason, "adjustmentDescription": description}
            return self._record(taxed, {"version": former["version"] + 1, **changes})

    def _record(self, taxed: TaxedDocument, header: Body) -> Body:
        number = header.get("id") or FIRST_ID + self._storage.next_id(KIND)
        status = "Committed" if taxed.document.commit else "Saved"
        full = {"code": taxed.document.code or _guid(number), "status": status, **self._stamp()}
        model = transaction_model(taxed, {"adjustmentReason": "NotAdjusted", **header, "id": number, **full})
        self._storage.put(KIND, _key(taxed, full["code"]), model)
        return model

    def find(self, company: str, code: str, document_type: str) -> Body:
        """Return a document; without a type the sales invoice comes before the return invoice.

        Raises:
            VendorError: There is none.
        """
        for name in [document_type] if document_type else RECORDED_TYPES:
            if model := self._storage.get(KIND, f"{company}/{name}/{code}"):
                return model
        raise not_found("Document", code)

    def commit(self, company: str, code: str, document_type: str) -> Body:
        """Commit a saved document.

        Raises:
            VendorError: There is none, or it is committed or cancelled already.
        """
        with self._storage.transaction():
            model = self.find(company, code, document_type)
            if model["status"] != "Saved":
                raise doc_status_invalid("Saved|Posted")
            return self._set_status(company, model, "Committed")

    def void(self, company: str, code: str, document_type: str) -> Body:
        """Cancel a document.

        Raises:
            VendorError: There is none, or it is cancelled already.
        """
        with self._storage.transaction():
            model = self.find(company, code, document_type)
            if model["status"] == "Cancelled":
                raise VendorError(400, "TransactionAlreadyCancelled", f"Transaction {code} is cancelled already.")
            return self._set_status(company, model, "Cancelled")

    def _set_status(self, company: str, model: Body, status: str) -> Body:
        changed = {**model, "status": status, **self._stamp()}
        self._storage.put(KIND, f"{company}/{model['type']}/{model['code']}", changed)
        return changed

    def _stamp(self) -> Body:
        moment = self._midnight + timedelta(seconds=self._storage.next_id("second"))
        return {"modifiedDate": moment.strftime("%Y-%m-%dT%H:%M:%SZ")}

    def of_company(self, company_id: int) -> Iterator[Body]:
        """Yield a company's current documents, in the order they were first recorded."""
        return (model for model in self._storage.list(KIND) if model["companyId"] == company_id)


def _key(taxed: TaxedDocument, code: str = "") -> str:
    document = taxed.document
    return f"{document.company}/{document.type}/{code or document.code}"


def _guid(number: int) -> str:
    return f"{number % 2**32:08x}-0000-4000-8000-000000000000"
