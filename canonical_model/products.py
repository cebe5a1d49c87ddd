"""Products: what may be sold, whatever it costs."""

import msgspec


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """One product or service of the seller's catalogue; its prices stand in the price books.

    Attributes:
        product_code: Seller's item identifier (BT-155).
        name: BT-153.
        unit: UN/ECE Recommendation 20 code in which it is counted (BT-130).
        description: BT-154.
        stock_keeping_unit: The warehouse's own identifier, if it has another one.
        family: Group of products it belongs to.
        tax_code: The tax engine's product class, if known.
        active: Whether it may be sold.
    """

    product_code: str
    name: str
    unit: str = "C62"
    description: str | None = None
    stock_keeping_unit: str | None = None
    family: str | None = None
    tax_code: str | None = None
    active: bool = True
