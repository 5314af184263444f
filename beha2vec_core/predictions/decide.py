"""Whom to contact: the uplift at which it pays, how far a budget reaches, and the experiment that measures an uplift.

A probability of a purchase is not what a contact adds. That is the uplift, which only an experiment with a control
group shows (Gutierrez and Gérardy 2017). So nothing here is a profit: it is the uplift at which a contact pays.
"""

import math

SIGNIFICANCE, POWER = 0.05, 0.8


def break_even_uplift(contact_cost: float, margin: float, spend: float) -> float:
    """The increase in the probability of a purchase at which contacting a user neither costs nor brings money.

    A contact costs ``contact_cost``, and brings the margin of what a buyer spends to as many users as it makes buy.

    Args:
        contact_cost: of one user, in the currency of ``spend``; 0 or more.
        margin: profit as a share of revenue, above 0 and up to 1.
        spend: expected revenue of a user who buys within the horizon, above 0.

    Returns:
        The uplift as a difference of probabilities: 0.01 is one more buyer among 100 users. Above 1 where a contact
        costs more than a purchase brings.

    Raises:
        ValueError: an argument is out of its range.
    """
    if not (contact_cost >= 0 and 0 < margin <= 1 and 0 < spend < math.inf):
        raise ValueError("the cost must be 0 or more, the margin above 0 and up to 1, the spend above 0")
    return contact_cost / (margin * spend)


def users_within(budget: float, contact_cost: float, users: int) -> int:
    """How many users a budget reaches, at most ``users``.

    Args:
        budget: what all contacts together may cost; 0 or more.
        contact_cost: of one user, in the same currency; 0 or more.

    Raises:
        ValueError: the budget or the cost is below 0.
    """
    if not (budget >= 0 and contact_cost >= 0):
        raise ValueError("the budget and the cost must be 0 or more")
    if contact_cost == 0:
        return users
    # 10 contacts of 0.1 cost 1.0, though 1.0 / 0.1 may be less than 10 in binary
    return min(math.floor(budget / contact_cost * (1 + 1e-12)), users)


def users_per_group(
    base: float, uplift: float, *, significance: float = SIGNIFICANCE, power: float = POWER
) -> int | None:
    """The users that an experiment needs in each of two groups of equal size, contacted and not, to detect an uplift.

    For a two-sided test of the difference of two proportions p1 and p2, without correction for continuity (Fleiss,
    Levin and Paik 2003, Statistical Methods for Rates and Proportions, 3rd edition, section 4.2)::

        n = (z[1 - a/2] sqrt(2 p q) + z[power] sqrt(p1 (1 - p1) + p2 (1 - p2)))^2 / (p2 - p1)^2

    where p is the mean of p1 and p2, and q = 1 - p.

    Args:
        base: probability of a purchase without a contact.
        uplift: what a contact adds to it, above 0.
        power: probability that the test finds the uplift.

    Returns:
        Users per group, rounded up; None where base and uplift are together above 1, which no contact can reach.

    Raises:
        ValueError: an argument is out of its range.
    """
    from scipy.stats import norm

    if not (0 <= base <= 1 and uplift > 0 and 0 < significance < 1 and 0 < power < 1):
        raise ValueError("base must be a probability, uplift above 0, significance and power between 0 and 1")
    contacted = base + uplift
    if contacted > 1:
        return None
    mean = (base + contacted) / 2
    under_null = float(norm.ppf(1 - significance / 2)) * math.sqrt(2 * mean * (1 - mean))
    under_uplift = float(norm.ppf(power)) * math.sqrt(base * (1 - base) + contacted * (1 - contacted))
    return max(math.ceil((under_null + under_uplift) ** 2 / uplift**2 - 1e-9), 1)
