"""The form of an address is that of its country; whether the address exists is for others to say."""

import pytest
from msgspec.structs import replace

from canonical_model.addresses import address_defects
from canonical_model.parties import Address

ROCHESTER = Address(line1="85 East Main Street", city="Rochester", region="NY", postal_code="14604", country="US")
BERLIN = Address(line1="Unter den Linden 1", city="Berlin", postal_code="10117", country="DE")
TOKYO = Address(line1="Marunouchi 1-8-2", city="Chiyoda-ku", region="13", postal_code="100-0005", country="JP")
DUBLIN = Address(line1="1 Dawson Street", city="Dublin", country="IE")


@pytest.mark.parametrize("address", [ROCHESTER, BERLIN, TOKYO, DUBLIN], ids=lambda address: address.country)
def test_a_good_form_has_no_defect(address):
    assert address_defects(address) == {}


@pytest.mark.parametrize(
    ("address", "defects"),
    [
        (replace(ROCHESTER, postal_code="1460"), {"postal_code": "wrong form"}),
        (replace(ROCHESTER, postal_code=None), {"postal_code": "missing"}),
        (replace(ROCHESTER, region="ZZ"), {"region": "wrong form"}),
        (replace(ROCHESTER, line1=None, city=""), {"line1": "missing", "city": "missing"}),
        (replace(BERLIN, postal_code="1011"), {"postal_code": "wrong form"}),
        (replace(TOKYO, region=None), {"region": "missing"}),
        (replace(BERLIN, country="XX"), {"country": "wrong form"}),
        (replace(BERLIN, country=""), {"country": "missing"}),
    ],
)
def test_each_defect_is_named_by_its_field(address, defects):
    assert address_defects(address) == defects
