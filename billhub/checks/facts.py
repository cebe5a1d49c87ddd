"""What is known about a draft when it is checked."""

from collections.abc import Mapping

import msgspec

from billhub.policy import Policy
from canonical_model.contracts import Contract, ErpContract, PriceBookEntry
from canonical_model.invoices import Invoice
from canonical_model.orders import Order
from canonical_model.parties import Customer
from canonical_model.tax import AddressCheck


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """A draft with everything its checks need; gathered once, so that the rules themselves ask nobody.

    Attributes:
        invoice: The draft.
        policy: What the company has decided.
        contract: Its contract, if it comes from one.
        order: Its order, if it comes from one.
        customer: The buyer's master data, if known.
        prices: Price book entries of the legal entity by product code, in the contract's currency.
        erp_contract: What the ERP knows of the contract; None when it knows nothing, text when what it knows cannot be read.
        address: What the address service said, if it was asked.
        outdated: Names of the documents it rests on that are behind their source, because a newer version cannot be read.
        duplicate_of: Canonical id of an invoice that bills the same and goes first, if any.
        documents: The store's numbers of the document versions that were looked at.
        billed_already: Number and period of each released invoice of the same contract that bills days of this draft.
    """

    invoice: Invoice
    policy: Policy
    contract: Contract | None = None
    order: Order | None = None
    customer: Customer | None = None
    prices: Mapping[str, PriceBookEntry] = {}
    erp_contract: ErpContract | str | None = None
    address: AddressCheck | None = None
    outdated: tuple[str, ...] = ()
    duplicate_of: str | None = None
    documents: tuple[int, ...] = ()
    billed_already: tuple[str, ...] = ()
