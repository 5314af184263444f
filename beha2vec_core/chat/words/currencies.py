"""Words for currencies."""

CURRENCIES = {  # and what they may mean
    "euro": ("EUR",), "euros": ("EUR",), "dollar": ("USD", "CAD", "AUD"), "dollars": ("USD", "CAD", "AUD"),
    "bucks": ("USD", "CAD", "AUD"), "pounds": ("GBP",), "quid": ("GBP",), "francs": ("CHF",),
    **{code: (code.upper(),) for code in ("eur", "usd", "gbp", "chf", "cad", "aud", "sek", "dkk", "nok", "pln", "czk")},
}  # fmt: skip
CURRENCY_WORDS = "|".join(CURRENCIES)
