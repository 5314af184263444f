"""Parts of the world that people name in place of countries, with the countries' names as GA4 writes them."""

from __future__ import annotations

_NORTH_AMERICA = "United States, Canada, Mexico"
_CENTRAL_AMERICA = """Guatemala, Honduras, El Salvador, Nicaragua, Costa Rica, Panama, Belize, Cuba, Jamaica, Haiti,
    Dominican Republic, Puerto Rico, Bahamas, Barbados, Trinidad & Tobago"""
_SOUTH_AMERICA = """Argentina, Bolivia, Brazil, Chile, Colombia, Ecuador, Guyana, Paraguay, Peru, Suriname, Uruguay,
    Venezuela"""
_DACH = "Germany, Austria, Switzerland"
_BENELUX = "Belgium, Netherlands, Luxembourg"
_SCANDINAVIA = "Denmark, Norway, Sweden"
_NORDICS = f"{_SCANDINAVIA}, Finland, Iceland"
_BALTICS = "Estonia, Latvia, Lithuania"
_EU = f"""{_BENELUX}, {_BALTICS}, Germany, Austria, Denmark, Sweden, Finland, Bulgaria, Croatia, Cyprus, Czechia, Czech
    Republic, France, Greece, Hungary, Ireland, Italy, Malta, Poland, Portugal, Romania, Slovakia, Slovenia, Spain"""
_EUROPE = f"""{_EU}, {_NORDICS}, United Kingdom, Switzerland, Liechtenstein, Ukraine, Belarus, Moldova, Russia, Serbia,
    Bosnia & Herzegovina, Montenegro, North Macedonia, Macedonia (FYROM), Albania, Kosovo, Andorra, Monaco, San
    Marino, Gibraltar, Jersey, Guernsey, Isle of Man, Faroe Islands"""
_MIDDLE_EAST = """Israel, Palestine, Jordan, Lebanon, Syria, Iraq, Iran, Kuwait, Saudi Arabia, Bahrain, Qatar, Oman,
    Yemen, United Arab Emirates, Turkey, T\u00fcrkiye"""
_ASIA = f"""{_MIDDLE_EAST}, Afghanistan, Armenia, Azerbaijan, Georgia, Kazakhstan, Kyrgyzstan, Tajikistan,
    Turkmenistan, Uzbekistan, India, Pakistan, Bangladesh, Sri Lanka, Nepal, Bhutan, Maldives, China, Hong Kong, Macao,
    Macau, Taiwan, Japan, South Korea, North Korea, Mongolia, Vietnam, Laos, Cambodia, Thailand, Myanmar (Burma),
    Malaysia, Singapore, Indonesia, Philippines, Brunei, Timor-Leste"""
_OCEANIA = "Australia, New Zealand, Fiji, Papua New Guinea, Guam, New Caledonia, French Polynesia, Samoa, Tonga"
_AFRICA = """Algeria, Angola, Benin, Botswana, Burkina Faso, Burundi, Cameroon, Cape Verde, Chad, Congo - Kinshasa,
    Congo - Brazzaville, C\u00f4te d'Ivoire, C\u00f4te d\u2019Ivoire, Djibouti, Egypt, Eritrea, Ethiopia, Gabon, Gambia,
    Ghana, Guinea, Kenya, Lesotho, Liberia, Libya, Madagascar, Malawi, Mali, Mauritania, Mauritius, Morocco,
    Mozambique, Namibia, Niger, Nigeria, Rwanda, R\u00e9union, Senegal, Seychelles, Sierra Leone, Somalia, South
    Africa, Sudan, Swaziland, Eswatini, Tanzania, Togo, Tunisia, Uganda, Zambia, Zimbabwe"""
_REGIONS = {
    "north america, north american, northern america": _NORTH_AMERICA,
    "central america, caribbean": _CENTRAL_AMERICA,
    "south america, south american": _SOUTH_AMERICA,
    "latin america, latam, latin american": f"Mexico, {_CENTRAL_AMERICA}, {_SOUTH_AMERICA}",
    "the americas, americas": f"{_NORTH_AMERICA}, {_CENTRAL_AMERICA}, {_SOUTH_AMERICA}",
    "europe, european": _EUROPE,
    "eu, e.u., european union": _EU,
    "dach, dach region, german speaking country, german speaking": _DACH,
    "benelux, the benelux": _BENELUX,
    "scandinavia, scandinavian": _SCANDINAVIA,
    "nordics, nordic, nordic country, the nordics": _NORDICS,
    "baltics, baltic, baltic country": _BALTICS,
    "asia, asian": _ASIA,
    "middle east, middle eastern": _MIDDLE_EAST,
    "apac, asia pacific": f"{_ASIA}, {_OCEANIA}",
    "africa, african": _AFRICA,
    "oceania": _OCEANIA,
    "emea": f"{_EUROPE}, {_MIDDLE_EAST}, {_AFRICA}",
}
COUNTRIES = sorted({" ".join(name.split()) for members in _REGIONS.values() for name in members.split(",")})


def regions(countries: list[str]) -> dict[str, tuple[str, ...]]:
    """The phrases for parts of the world, and which of these countries lie in them; none without one."""
    found: dict[str, tuple[str, ...]] = {}
    for phrases, members in _REGIONS.items():
        names = {" ".join(name.split()) for name in members.split(",")}
        some = tuple(country for country in countries if country in names)
        found |= {phrase.strip(): some for phrase in phrases.split(",") if some}
    return found
