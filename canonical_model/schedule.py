"""Billing schedules: which periods a contract is billed in, when each falls due, and what each line amounts to in it."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import msgspec
from dateutil.relativedelta import relativedelta

from canonical_model.contracts import Contract, ContractLine
from canonical_model.money import Money, allocate, total

MONTHS = {"monthly": 1, "quarterly": 3, "annual": 12}


class BillingPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """One period of a billing schedule.

    Attributes:
        index: From 0.
        start: First day.
        end: Last day.
        months: Its length; the last period may be shorter than the frequency.
        due_on: Day from which it may be billed.
    """

    index: int
    start: date
    end: date
    months: int
    due_on: date


class LineInstalment(msgspec.Struct, frozen=True, kw_only=True):
    """What one contract line amounts to in one period.

    Attributes:
        line: The contract line.
        gross: Before the contract's discount.
        discount: Not negative; `gross - discount` is billed.
    """

    line: ContractLine
    gross: Money
    discount: Money

    @property
    def net(self) -> Money:
        """Amount billed before tax."""
        return self.gross - self.discount


def billing_periods(contract: Contract) -> tuple[BillingPeriod, ...]:
    """All periods of a contract, in order; they cover its term without gap or overlap.

    A contract that starts on the 31st has its periods start on the last day of shorter months.
    """
    return tuple(_periods(contract))


def due_periods(contract: Contract, *, as_of: date, since: date) -> tuple[BillingPeriod, ...]:
    """The periods that are due on a day.

    Args:
        contract: Any contract; only an active one has due periods.
        as_of: The business date.
        since: Day the hub took over billing. Periods in advance that started before it, and periods in arrears that ended before it, were
            billed elsewhere.
    """
    if contract.status != "active":
        return ()
    in_advance = contract.billing_timing == "in_advance"
    return tuple(
        period
        for period in _periods(contract)
        if period.due_on <= as_of and since <= (period.start if in_advance else period.end)
    )


def instalments(contract: Contract, period: BillingPeriod) -> tuple[LineInstalment, ...]:
    """What each line amounts to in one period; over the periods of a contract year the parts sum exactly to the line's value in it.

    A last year that is not whole is worth its share of a year by months.
    """
    periods_in_a_year = 12 // MONTHS[contract.billing_frequency]
    place = period.index % periods_in_a_year
    weights = _lengths(contract)[period.index - place :][:periods_in_a_year]
    return tuple(_instalment(contract, line, weights, place) for line in contract.lines)


def contract_value(contract: Contract) -> Money:
    """Value of the whole term, before tax: the sum of all instalments."""
    parts = (part.net for period in _periods(contract) for part in instalments(contract, period))
    return total(parts, contract.currency)


def annual_value(contract: Contract) -> Money:
    """Value of one contract year, before tax: the sum of prices less the discount, rounded once.

    It may differ by some minor units from the value of the contract's first year, where each line is rounded.
    """
    gross = total((line.unit_price * line.quantity for line in contract.lines), contract.currency)
    return (gross * (1 - contract.discount_percent / 100)).rounded()


def _periods(contract: Contract) -> Iterator[BillingPeriod]:
    step = MONTHS[contract.billing_frequency]
    for index, months in enumerate(_lengths(contract)):
        start = contract.start_date + relativedelta(months=index * step)
        end = contract.start_date + relativedelta(months=index * step + months) - timedelta(days=1)
        due_on = start if contract.billing_timing == "in_advance" else end + timedelta(days=1)
        yield BillingPeriod(index=index, start=start, end=end, months=months, due_on=due_on)


def _lengths(contract: Contract) -> list[int]:
    """Months of each period; only the last may be shorter."""
    step = MONTHS[contract.billing_frequency]
    return [min(step, contract.term_months - month) for month in range(0, contract.term_months, step)]


def _instalment(contract: Contract, line: ContractLine, weights: Sequence[int], place: int) -> LineInstalment:
    gross = (line.unit_price * line.quantity * sum(weights) / 12).rounded()
    discount = (gross * (contract.discount_percent / 100)).rounded()
    # What is billed is split, not the gross amount: largest remainders of gross and discount could leave a negative part.
    net_part, discount_part = allocate(gross - discount, weights)[place], allocate(discount, weights)[place]
    return LineInstalment(line=line, gross=net_part + discount_part, discount=discount_part)
