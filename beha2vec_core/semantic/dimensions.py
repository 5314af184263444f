"""The dimensions: one entry each. Adding a dimension is adding an entry."""

from dataclasses import dataclass, field

from beha2vec_core.semantic.tables import STEPS


@dataclass(frozen=True)
class Dimension:
    """What metrics are broken down and filtered by."""

    name: str
    label: str  # in words
    sql: str  # the expression
    words: tuple[str, ...]  # phrases that ask for a breakdown by it
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)  # other words of people for its values
    # text, time, step (its values have an order of their own too), number, or user (one row per user or order: never
    # for models)
    kind: str = "text"
    is_searched: bool = False  # words of a question are looked for among its values
    where: str = "for {}"  # a value of it after a noun: sessions from Email


SOURCES = (
    "channel",
    "source",
    "medium",
    "source_medium",
    "campaign",
)  # of one visit: a value of one rarely goes with one of another
_PEOPLE_OF = {  # where they are not the country and an n, as of Austria
    "Argentina": "argentinian,argentine", "Belgium": "belgian", "Brazil": "brazilian", "Canada": "canadian",
    "Chile": "chilean", "China": "chinese", "Czechia": "czech", "Denmark": "danish,dane", "Egypt": "egyptian",
    "Finland": "finnish,finn", "France": "french", "Greece": "greek", "Hungary": "hungarian", "Iran": "iranian",
    "Ireland": "irish", "Israel": "israeli", "Italy": "italian", "Japan": "japanese", "Mexico": "mexican",
    "New Zealand": "new zealander,kiwi", "Norway": "norwegian", "Pakistan": "pakistani", "Peru": "peruvian",
    "Philippines": "filipino,filipina", "Portugal": "portuguese", "Singapore": "singaporean", "South Korea": "korean",
    "Spain": "spanish,spaniard", "Sweden": "swedish,swede", "Switzerland": "swiss", "Taiwan": "taiwanese",
    "Thailand": "thai", "T\u00fcrkiye": "turkish,turk", "Turkey": "turkish,turk", "Ukraine": "ukrainian",
    "Vietnam": "vietnamese",
}  # fmt: skip
DIMENSIONS = {
    dimension.name: dimension
    for dimension in (
        Dimension("day", "day", "{date}",
                  ("day", "daily", "date", "day by day", "day on day", "day over day"), kind="time"),
        Dimension("week", "week", "date_trunc('week', {date})::date",
                  ("week", "weekly", "week by week"), kind="time"),
        Dimension("month", "month", "date_trunc('month', {date})::date",
                  ("month", "monthly", "month by month"), kind="time"),
        Dimension("quarter", "quarter", "date_trunc('quarter', {date})::date",
                  ("quarter", "quarterly", "quarter by quarter"), kind="time"),
        Dimension("year", "year", "date_trunc('year', {date})::date", ("year", "yearly", "year by year"), kind="time"),
        Dimension("weekday", "weekday", "strftime({date}, '%A')",
                  ("weekday", "day of the week", "day of week", "week day"), where="on {}s"),
        Dimension("weekend", "weekend or weekday",
                  "case when isodow({date}) >= 6 then 'weekend' else 'Monday to Friday' end",
                  ("weekend or weekday",)),
        Dimension(
            "hour", "hour of the day",
            """hour(timezone((select min(z.timezone) from ga4.dim_ga4__properties as z),
                timezone('UTC', {time})))""",
            ("hour", "hour of the day", "hour of day", "hourly", "time of day", "time of the day"), kind="number"),
        Dimension("step", "step", f"{[f'{n} {text}' for n, (_, text) in STEPS.items()]}[q.step]", ("step",),
                  kind="step"),
        Dimension(
            "channel", "channel", "s.default_channel_group",
            ("channel", "channel group", "marketing channel", "acquisition channel", "traffic channel",
             "channel grouping",
             "sales channel"),
            {"Email": ("newsletter", "e-mail", "mail", "mailing", "email marketing", "email newsletter"),
             "Paid Search": ("sea", "ppc", "sem", "search ads"),
             "Paid Shopping": ("shopping ads", "google shopping", "google shopping ads"),
             "Paid Social": ("social ads", "social media ads"),
             "Paid Video": ("video ads", "video ad", "video advertising", "video campaign"),
             "Organic Search": ("seo", "natural search", "unpaid search"), "Referral": ("link", "referring link"),
             "Display": ("banner", "banner ads", "display ads"), "Affiliates": ("affiliate", "affiliate link"),
             "Direct": ("type in", "typed in url", "bookmark")},
            is_searched=True,
            where="from {}",
        ),
        Dimension("device", "device", "s.device_category", ("device", "device category", "device type",
                  "type of device", "kind of device"),
                  {"mobile": ("phone", "smartphone", "mobile device", "cell phone", "mobile phone",
                              "smart phone", "cellphone", "handset", "handheld", "handheld device"),
                   "desktop": ("computer", "pc", "pcs", "desktop computer", "laptop", "notebook computer",
                               "desktop pc"), "tablet": ("ipad", "tablet device")},
                  is_searched=True, where="on {}"),
        Dimension("source", "source", "s.source", ("source", "traffic source", "referrer", "referring site",
                  "referring website",
                                                "referring domain", "referral source", "acquisition source",
                                                "utm source"),
                  {"facebook": ("fb",), "instagram": ("insta", "ig")}, is_searched=True, where="from {}"),
        Dimension("medium", "medium", "s.medium", ("medium", "media", "utm medium"), is_searched=True,
                  where="from {}"),
        Dimension("source_medium", "source / medium", "s.source || ' / ' || s.medium",
                  ("source medium", "traffic source medium", "source and medium pair", "source medium combination"),
                  is_searched=True, where="from {}"),
        Dimension("browser", "browser", "s.browser", ("browser", "web browser"), is_searched=True, where="in {}"),
        Dimension("os", "operating system", "s.operating_system", ("os", "operating system", "platform"),
                  {**dict.fromkeys(("Macintosh", "macOS", "Mac OS X"), ("mac", "macintosh", "macbook", "osx", "os x")),
                   "iOS": ("iphone",), "Chrome OS": ("chromebook",)},
                  is_searched=True, where="on {}"),
        Dimension("country", "country", "s.country", ("country", "nation", "country of origin", "market", "geography"),
                  {"United States": ("usa", "america", "the states", "american"),
                   "United Kingdom": ("uk", "britain", "england", "british", "brit"),
                   "Germany": ("german", "de"), "Netherlands": ("dutch", "holland"), "Poland": ("polish", "pole"),
                   **{country: tuple(people.split(",")) for country, people in _PEOPLE_OF.items()}},
                  is_searched=True, where="in {}"),
        Dimension("campaign", "campaign", "s.campaign", ("campaign", "marketing campaign", "ad campaign",
                  "utm campaign",
                                                    "advertising campaign"), is_searched=True,
                  where="from campaign {}"),
        # of the user, as GA4: also where that visit was before the data
        Dimension("first_channel", "first channel", "u.first_user_default_channel_group",
                  ("first channel", "firstchannel", "firsttouch"), where="from users who first came from {}"),
        Dimension("first_source", "first source", "u.first_user_source", ("first source", "firstsource"),
                  where="from users who first came from {}"),
        Dimension("first_medium", "first medium", "u.first_user_medium", ("first medium", "firstmedium"),
                  where="from users who first came from {}"),
        Dimension("first_campaign", "first campaign", "u.first_user_campaign", ("first campaign", "firstcampaign"),
                  where="from users who first came from campaign {}"),
        Dimension("item_category", "item category", "i.item_category",
                  ("category", "product category", "item category", "product type", "type of product",
                   "kind of product",
                   "product line", "product group", "department", "product range"), is_searched=True),
        Dimension("item_subcategory", "item subcategory", "i.item_category2",
                  ("subcategory", "product subcategory", "item subcategory", "sub category"), is_searched=True),
        Dimension("item_brand", "brand", "i.item_brand",
                  ("brand", "item brand", "product brand", "brand name", "manufacturer"), is_searched=True),
        Dimension("item", "item", "i.item_name", ("item", "product", "article", "sku"), is_searched=True),
        Dimension("coupon", "coupon", "i.coupon",
                  ("coupon", "coupon code", "voucher", "voucher code", "promo code", "discount code",
                   "promotion code", "code"),
                  is_searched=True, where="with coupon {}"),
        Dimension("order_number", "first or later order", "case when o.number = 1 then 'first' "
                  "when o.number > 1 then 'later' end", ("first or later order", "first vs later order"),
                  where="from {} orders"),
        Dimension("event", "event", "x.event_name", (), is_searched=True),
        Dimension("product_view", "product view", "case when f.step_1_at is not null then 'yes' end", ()),
        Dimension("theme", "page theme", "g.theme", ("theme", "topic", "page theme", "content theme", "product theme"),
                  is_searched=True, where="on pages about {}"),
        Dimension("page_type", "page type", "g.page_type", ("page type", "type of page", "kind of page", "sort of page",
                  "page category", "content type",
                                                         "section", "section of site", "area of site", "page group"),
                  {"home": ("homepage", "front page", "main page"), "login": ("sign in", "signin",
                   "log in"), "signup": ("sign up", "registration")}, is_searched=True, where="on {} pages"),
        Dimension("page", "page", "v.page_key", ("page", "url"), where="on {}"),
        Dimension("next_page", "next page", "case when v.is_exit then '(left the site)' else v.next_page_key end",
                  ("next page",), where="before {}"),
        Dimension("previous_page", "previous page",
                  "case when v.is_entrance then '(came to the site)' else v.previous_page_key end",
                  ("previous page",), where="after {}"),
        Dimension("next_page_type", "type of the next page", "case when v.is_exit then '(left the site)' else "
                  "gn.page_type end", ("next page type", "next type of page", "type of the next page"),
                  where="before {} pages"),
        Dimension("previous_page_type", "type of the previous page",
                  "case when v.is_entrance then '(came to the site)' else gp.page_type end",
                  ("previous page type",), where="after {} pages"),
        Dimension("landing_page", "landing page", "s.landing_page_key",
                  ("landing page", "entry page", "landingpage", "entrance page", "lp", "first page", "entry point",
                   "starting page",
                   "first page of session", "first page of visit", "landing on", "landed on",
                   "entering on", "starting on",
                   "start on", "land on", "begin on", "enter on", "started on", "entered on",
                   "start in", "land in", "begin in", "enter through", "landing in"), where="landing on {}"),
        Dimension("landing_page_type", "type of the landing page", "gl.page_type",
                  ("landing page type", "type of landing page", "kind of landing page", "entry page type"),
                  where="landing on {} pages"),
        # as GA4's: a user with two sessions on their first day is new in one and returning in the other
        Dimension("new_or_returning", "new or returning user",
                  "case when s.ga_session_number = 1 then 'new' when s.ga_session_number > 1 then 'returning' end",
                  ("new or returning", "new vs returning", "new v returning", "new and returning",
                   "new versus returning", "visitor type", "user type"), where="of {} users"),
        Dimension("cluster", "cluster", "c.cluster_key", ("cluster",), kind="number", where="in cluster {}"),
        Dimension("cluster_then", "cluster at the time", "h.cluster_key", ("cluster at the time",), kind="number",
                  where="in cluster {} at the time"),
        Dimension("one_order", "order", "{t}.purchase_key", ("singleorder",), kind="user"),
        Dimension("session", "session", "{t}.session_key", (), kind="user"),
        Dimension("user", "user", "{t}.user_key", (), kind="user"),
    )
}  # fmt: skip
