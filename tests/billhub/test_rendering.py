"""The printed invoice: what it says, that it says nothing else, and that it always says it in the same bytes."""

import logging
import multiprocessing
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import get_args

import msgspec
import pytest
from babel import Locale
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from billhub.rendering import invoice_pdf
from billhub.rendering.labels import Language, labels
from billhub.rendering.sheet import sheet_of
from billhub.rendering.wording import Wording
from canonical_model.invoices import CREDIT_NOTE, INVOICE, Allowance, Invoice, InvoiceLine, TaxSubtotal, Totals
from canonical_model.money import Money, total
from canonical_model.parties import Address, Party
from canonical_model.tax import JurisdictionTax, TaxCategory

replace = msgspec.structs.replace

US = Party(
    party_id="US",
    name="Meridian Software Inc.",
    address=Address(country="US", line1="410 Harbor Way", city="New York", region="NY", postal_code="10001"),
    tax_id="36-4128812",
    email="billing.us@meridian.example",
)
DE = Party(
    party_id="DE",
    name="Meridian Software GmbH",
    address=Address(country="DE", line1="Hafenstraße 12", city="Hamburg", postal_code="20457"),
    tax_id="DE136695976",
)
JP = Party(party_id="JP", name="Meridian Software KK", address=Address(country="JP", city="Tokyo"))
UK = Party(party_id="UK", name="Meridian Retail Ltd", address=Address(country="GB", city="Leeds"))
NORTHWIND = Party(
    party_id="A-0001",
    name="Northwind Analytics Corp",
    address=Address(country="US", line1="85 East Main Street", city="Rochester", region="NY", postal_code="14604"),
)
MARKUP = r'#panic() $x$ *A* \ <b> #sys.inputs [b] `c` "quoted" // no comment @ref = 1'


def money(amount: str, currency: str = "USD") -> Money:
    return Money(Decimal(amount), currency)


def line(net: str, currency: str = "USD", **fields: object) -> InvoiceLine:
    plain = InvoiceLine(
        line_id="1",
        product_code="PLAT-ENT",
        description="Platform Enterprise",
        quantity=Decimal(1),
        unit_price=money(net, currency),
        net=money(net, currency),
        rounding=money("0", currency),
    )
    return replace(plain, **fields)


def taxed(
    lines: Sequence[InvoiceLine],
    category: TaxCategory = "S",
    rate: str = "0",
    tax: str = "0.00",
    reason: str | None = None,
    **fields: object,
) -> Invoice:
    """An invoice over lines that all have the same category and rate."""
    currency = lines[0].net.currency
    net, due = total((each.net for each in lines), currency), money(tax, currency)
    subtotal = TaxSubtotal(category=category, rate=Decimal(rate), taxable=net, tax=due, exemption_reason=reason)
    invoice = Invoice(
        invoice_id="contract_C-000001_2026-01-01",
        document_type=INVOICE,
        legal_entity="US",
        seller=US,
        buyer=NORTHWIND,
        currency=currency,
        issue_date=date(2026, 1, 15),
        due_date=date(2026, 2, 14),
        tax_point_date=date(2026, 1, 1),
        lines=tuple(replace(each, tax_category=category, tax_rate=Decimal(rate)) for each in lines),
        totals=Totals(net=net, tax=due, gross=net + due, payable=net + due),
        tax_subtotals=(subtotal,),
        number="US-000001",
        purchase_order="PO-88213",
        contract_id="C-000001",
        period_start=date(2026, 1, 1),
        period_end=date(2026, 3, 31),
        payment_terms="30 days net",
    )
    return replace(invoice, **fields)


def jurisdiction(name: str, kind: str, rate: str, taxable: str, tax: str, currency: str = "USD") -> JurisdictionTax:
    return JurisdictionTax(
        jurisdiction=name,
        kind=kind,
        name="TAX",
        rate=Decimal(rate),
        taxable=money(taxable, currency),
        tax=money(tax, currency),
    )


def worked_example() -> Invoice:
    taxes = tuple(
        jurisdiction(name, kind, "0.04", "120000.00", "4800.00")
        for name, kind in (("NEW YORK", "state"), ("MONROE", "county"))
    )
    return taxed([line("120000.00", taxes=taxes)], rate="8.00", tax="9600.00")


def reader(invoice: Invoice) -> PdfReader:
    return PdfReader(BytesIO(invoice_pdf(invoice)))


def text(invoice: Invoice) -> str:
    """All text in reading order, every kind of white space as one blank."""
    return " ".join(" ".join(page.extract_text() for page in reader(invoice).pages).split())


def test_the_worked_example_says_everything() -> None:
    printed = text(worked_example())
    for expected in (
        "Meridian Software Inc. 410 Harbor Way New York, NY 10001 United States Tax ID 36-4128812",
        "BILL TO Northwind Analytics Corp 85 East Main Street Rochester, NY 14604 United States",
        "Invoice no. US-000001",
        "Issue date Jan 15, 2026",
        "Due date Feb 14, 2026",
        "Service period Jan 1, 2026 – Mar 31, 2026",
        "Purchase order PO-88213",
        "Contract C-000001",
        "Customer no. A-0001",
        "Platform Enterprise PLAT-ENT 1 unit 120,000.00 8% 120,000.00",
        "Standard rate 8% 120,000.00 9,600.00",
        "NEW YORK STATE 4% 120,000.00 4,800.00",
        "MONROE COUNTY 4% 120,000.00 4,800.00",
        "Net total 120,000.00 Tax 9,600.00 Total 129,600.00",
        "Amount due $129,600.00",
        "Terms: 30 days net Reference: US-000001",
        "Page 1 of 1",
    ):
        assert expected in printed


def test_equal_invoices_give_equal_bytes_in_every_thread() -> None:
    with ThreadPoolExecutor(4) as pool:
        renderings = set(pool.map(invoice_pdf, [worked_example() for _ in range(8)]))
    assert renderings == {invoice_pdf(worked_example())}


def test_a_new_process_gives_the_same_bytes() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(invoice_pdf, (worked_example(),)) == invoice_pdf(worked_example())


def test_a_forked_process_refuses_instead_of_waiting_for_ever() -> None:
    invoice_pdf(worked_example())
    with multiprocessing.get_context("fork").Pool(1) as pool, pytest.raises(RuntimeError, match="spawn"):
        pool.apply(invoice_pdf, (worked_example(),))


def test_another_invoice_between_changes_nothing() -> None:
    first = invoice_pdf(worked_example())
    other = invoice_pdf(replace(worked_example(), number="US-000002"))
    assert other != first
    assert invoice_pdf(worked_example()) == first


def test_the_file_is_pdf_a_3b_dated_with_the_issue_date() -> None:
    content = invoice_pdf(worked_example())
    assert b"<pdfaid:part>3" in content
    assert b"<pdfaid:conformance>B" in content
    metadata = PdfReader(BytesIO(content)).metadata
    assert metadata is not None
    assert (metadata.title, metadata.author) == ("Invoice US-000001", "Meridian Software Inc.")
    assert str(metadata.creation_date).startswith("2026-01-15 00:00:00")


def test_all_fonts_are_embedded_and_come_with_typst() -> None:
    named = re.findall(rb"/FontName/[A-Z]{6}\+(\w+)", invoice_pdf(worked_example()))
    assert named
    assert all(name.startswith(b"LibertinusSerif") for name in named)


@pytest.mark.parametrize(("seller", "width"), [(US, 612), (DE, 595)])
def test_paper_is_that_of_the_seller(seller: Party, width: int) -> None:
    page = reader(replace(worked_example(), seller=seller)).pages[0]
    assert int(page.mediabox.width) == width


def many_lines() -> Invoice:
    discount = (Allowance(amount=money("1.00"), reason="Discount", percent=Decimal(10)),)
    lines = [
        line("9.00", line_id=str(n), description=f"Article {n:03}", allowances=discount if n % 2 else ())
        for n in range(500)
    ]
    return taxed(lines, rate="8", tax="360.00")


def test_500_lines_run_over_pages_with_the_heading_on_each() -> None:
    pages = [" ".join(page.extract_text().split()) for page in reader(many_lines()).pages]
    assert len(pages) > 10
    articles = [number for page in pages for number in re.findall(r"Article (\d+)", page)]
    assert articles == [f"{n:03}" for n in range(500)]
    for number, page in enumerate(pages, start=1):
        assert page.count("DESCRIPTION QUANTITY PRICE TAX NET USD") == (1 if "Article" in page else 0)
        assert f"Page {number} of {len(pages)}" in page
        assert "Invoice US-000001" in page
    assert "Amount due $4,860.00" in pages[-1]


def test_the_notes_of_a_line_stay_on_its_page() -> None:
    for page in reader(many_lines()).pages:
        printed = page.extract_text()
        discounted = [number for number in re.findall(r"Article (\d+)", printed) if int(number) % 2]
        assert printed.count("Discount 10%") == len(discounted)


def test_text_is_printed_and_never_run() -> None:
    lines = [line("1.00", description=MARKUP, product_code=MARKUP)]
    fields = {"purchase_order": MARKUP, "payment_terms": MARKUP, "number": MARKUP, "contract_id": MARKUP}
    buyer = replace(NORTHWIND, name=MARKUP, address=Address(country="US", line1=MARKUP, city=MARKUP))
    invoice = taxed(lines, "E", reason=MARKUP, buyer=buyer, seller=replace(US, name=MARKUP), **fields)
    assert text(invoice).count(MARKUP) >= 12


@settings(max_examples=40, deadline=None)
@given(name=st.text(max_size=80), description=st.text(max_size=80))
def test_no_text_stops_an_invoice(name: str, description: str) -> None:
    invoice = taxed([line("1.00", description=description)], buyer=replace(NORTHWIND, name=name), purchase_order=name)
    assert invoice_pdf(invoice).startswith(b"%PDF-")


def test_white_space_and_invisible_characters_do_not_reach_the_paper() -> None:
    name = "North\u202ewind\n\tAnalytics\x00 \ufeffCorp\u200b\ud800"
    content = sheet_of(replace(worked_example(), buyer=replace(NORTHWIND, name=name)))
    assert content.buyer.name == "Northwind Analytics Corp"


def test_a_character_no_font_has_costs_the_archival_format_and_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    invoice = replace(worked_example(), buyer=replace(NORTHWIND, name="株式会社"))
    with caplog.at_level(logging.WARNING):
        content = invoice_pdf(invoice)
    assert b"pdfaid" not in content
    assert "Amount due $129,600.00" in text(invoice)
    assert "contract_C-000001_2026-01-01 is not PDF/A" in caplog.text
    assert invoice_pdf(invoice) == content


def test_a_long_word_breaks_and_can_still_be_copied() -> None:
    word = "W" * 200
    page = reader(taxed([line("1.00", description=word)])).pages[0]
    assert "".join(page.extract_text().split()).count(word) == 1
    assert max(len(row) for row in page.extract_text().splitlines()) < 100


def test_a_german_seller_writes_german() -> None:
    buyer = Party(
        party_id="A-0099",
        name="Société d’Électricité Mühlgrunder Großhandel",
        address=Address(country="FR", line1="12 Rue de l’Église", city="Orléans", postal_code="45000"),
        tax_id="FR12345678901",
    )
    lines = [line("12345.60", "EUR", description="Prüfgerät", quantity=Decimal("2.5"), unit="HUR")]
    invoice = taxed(lines, "S", "19", "2345.66", seller=DE, buyer=buyer, number="DE-000017")
    printed = text(invoice)
    for expected in (
        "Hafenstraße 12 20457 Hamburg Deutschland USt-IdNr. DE136695976",
        "Société d’Électricité Mühlgrunder Großhandel 12 Rue de l’Église 45000 Orléans Frankreich USt-IdNr. FR12345678901",
        "Rechnungsnr. DE-000017",
        "Rechnungsdatum 15.01.2026",
        "Leistungszeitraum 01.01.2026 – 31.03.2026",
        "Prüfgerät PLAT-ENT 2,5 Stunden 12.345,60 19 % 12.345,60",
        "Umsatzsteuer 19 % 12.345,60 2.345,66",
        "Zu zahlen 14.691,26 €",
        "Seite 1 von 1",
    ):
        assert expected in printed
    assert "Invoice" not in printed


def test_yen_have_no_decimals() -> None:
    tax = jurisdiction("JAPAN", "country", "0.1", "1200000", "120000", "JPY")
    invoice = taxed([line("1200000", "JPY", taxes=(tax,))], rate="10", tax="120000", seller=JP)
    printed = text(invoice)
    assert "Standard rate – JAPAN 10% 1,200,000 120,000" in printed
    assert "Total 1,320,000 Amount due ¥1,320,000" in printed
    assert ".00" not in printed


def test_pounds_and_british_dates() -> None:
    printed = text(taxed([line("9.99", "GBP")], rate="17.5", tax="1.75", seller=UK))
    assert "15 Jan 2026" in printed
    assert "17.5%" in printed
    assert "Amount due £11.74" in printed


def negative(invoice: Invoice) -> Invoice:
    """The same credit note, holding what it credits as negative amounts."""
    totals = Totals(**{name: -getattr(invoice.totals, name) for name in Totals.__struct_fields__})
    lines = tuple(replace(each, quantity=-each.quantity, net=-each.net) for each in invoice.lines)
    subtotals = tuple(replace(each, taxable=-each.taxable, tax=-each.tax) for each in invoice.tax_subtotals)
    return replace(invoice, totals=totals, lines=lines, tax_subtotals=subtotals)


def test_a_credit_note_is_named_and_asks_for_nothing() -> None:
    printed = text(taxed([line("100.00")], rate="8", tax="8.00", document_type=CREDIT_NOTE))
    assert "Credit note no. US-000001" in printed
    assert "Amount credited $108.00" in printed
    for absent in ("Invoice", "Due date", "Amount due", "PAYMENT", "30 days net"):
        assert absent not in printed


def test_a_credit_note_reads_the_same_whichever_sign_its_amounts_have() -> None:
    positive = taxed([line("100.00")], rate="8", tax="8.00", document_type=CREDIT_NOTE)
    assert invoice_pdf(negative(positive)) == invoice_pdf(positive)


def test_an_invoice_keeps_its_negative_amounts() -> None:
    printed = text(taxed([line("100.00"), line("-30.00", quantity=Decimal(-1), unit_price=money("30.00"))]))
    assert "-1 unit 30.00 0% -30.00" in printed
    assert "Amount due $70.00" in printed


def test_a_draft_says_so() -> None:
    printed = text(replace(worked_example(), number=None))
    assert "Invoice no. Draft" in printed
    assert "Reference" not in printed


def test_an_untaxed_draft_has_no_breakdown() -> None:
    invoice = replace(worked_example(), tax_subtotals=(), lines=(line("120000.00"),))
    assert "TAX BREAKDOWN" not in text(invoice)


def test_allowances_and_rounding_have_their_own_rows() -> None:
    sold = line(
        "8.99",
        quantity=Decimal(1200),
        unit="MON",
        unit_price=money("0.00833"),
        allowances=(
            Allowance(amount=money("1.00"), reason="Contract discount", percent=Decimal("10.00")),
            Allowance(amount=money("0.01"), reason="Goodwill"),
        ),
        rounding=money("0.004"),
    )
    printed = text(taxed([sold]))
    assert "1,200 months 0.00833 0% 8.99 Contract discount 10% -1.00 Goodwill -0.01 Rounding 0.004" in printed


def test_a_price_for_several_units_says_for_how_many() -> None:
    sold = line("300.00", quantity=Decimal(12), price_base_quantity=Decimal(12))
    assert "12 units 300.00 per 12" in text(taxed([sold]))


def test_a_line_prints_its_period_only_where_it_is_not_the_documents() -> None:
    first, last = date(2026, 1, 1), date(2026, 1, 31)
    invoice = taxed([line("1.00", period_start=first, period_end=last)])
    assert "PLAT-ENT · Jan 1, 2026 – Jan 31, 2026" in text(invoice)
    assert "PLAT-ENT ·" not in text(replace(invoice, period_start=first, period_end=last))


def test_without_a_period_the_date_of_supply_is_printed() -> None:
    printed = text(replace(worked_example(), period_start=None, period_end=None, order_id="536365"))
    assert "Date of supply Jan 1, 2026" in printed
    assert "Order 536365" in printed
    assert "Service period" not in printed


@pytest.mark.parametrize(
    ("category", "reason", "expected"),
    [
        ("E", "Training, Article 132", "Exempt from tax 0% 10.00 0.00 Training, Article 132"),
        ("G", "Export outside the EU", "Export 0% 10.00 0.00 Export outside the EU"),
        ("AE", "Reverse charge", "Reverse charge 0% 10.00 0.00 Net total"),
        ("Z", None, "Zero rate 0% 10.00 0.00 Net total"),
    ],
)
def test_why_no_tax_is_due(category: TaxCategory, reason: str | None, expected: str) -> None:
    assert expected in text(taxed([line("10.00")], category, reason=reason))


def test_reverse_charge_in_the_words_of_german_law() -> None:
    invoice = taxed([line("10.00", "EUR")], "AE", reason="Reverse charge", seller=DE)
    assert "Steuerschuldnerschaft des Leistungsempfängers" in text(invoice)


def test_jurisdictions_are_summed_over_lines_within_their_rate() -> None:
    city = jurisdiction("NEW YORK CITY", "city", "0.04875", "100.00", "4.88")
    district = jurisdiction("METRO TRANSPORT DISTRICT", "special", "0.00375", "100.00", "0.37")
    low = replace(line("50.00"), line_id="3", tax_category="S", tax_rate=Decimal(4))
    low = replace(low, taxes=(jurisdiction("OHIO", "state", "0.04", "50.00", "2.00"),))
    invoice = taxed([line("100.00", taxes=(city, district)) for _ in range(2)], rate="5.25", tax="10.50")
    second = TaxSubtotal(category="S", rate=Decimal("4.0"), taxable=money("50.00"), tax=money("2.00"))
    both = replace(invoice, lines=(*invoice.lines, low), tax_subtotals=(*invoice.tax_subtotals, second))
    printed = text(both)
    assert "Standard rate 5.25% 200.00 10.50 NEW YORK CITY 4.875% 200.00 9.76" in printed
    assert "METRO TRANSPORT DISTRICT 0.375% 200.00 0.74 Standard rate – OHIO STATE 4% 50.00 2.00" in printed


def test_what_is_paid_already_is_taken_off() -> None:
    invoice = worked_example()
    paid = replace(invoice, totals=replace(invoice.totals, payable=money("29600.00")))
    assert "Total 129,600.00 Already paid -100,000.00 Amount due $29,600.00" in text(paid)


def test_a_buyer_of_whom_little_is_known() -> None:
    buyer = Party(party_id="17850", name="Customer 17850", address=Address(country=""))
    printed = text(replace(worked_example(), buyer=buyer, purchase_order=None, contract_id=None, payment_terms=None))
    assert "BILL TO Customer 17850 Invoice no." in printed
    assert "None" not in printed


@pytest.mark.parametrize("language", get_args(Language))
def test_every_language_has_every_word(language: Language) -> None:
    words = labels(language)
    assert set(words.categories) == set(get_args(TaxCategory))
    assert set(words.titles) == set(words.number) == set(words.payable) == {INVOICE, CREDIT_NOTE}
    assert set(words.units) == set(labels("en").units)
    forms = Locale.parse(language).plural_form
    assert all({forms(Decimal(1)), forms(Decimal(2))} == set(names) for names in words.units.values())


def test_a_unit_without_a_name_stands_for_itself() -> None:
    assert Wording(locale=Locale.parse("en_US")).unit("X7Q", Decimal(2)) == "X7Q"


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=4), st.sampled_from(["USD", "EUR", "JPY", "KWD"]))
def test_no_digit_of_an_amount_is_lost(amount: Decimal, currency: str) -> None:
    wording = Wording(locale=Locale.parse("en_US"))
    assert Decimal(wording.amount(Money(amount, currency)).replace(",", "")) == amount
