"""What a statement of the chat may use: an allow-list, so that what a new DuckDB brings is refused until it is read."""

from typing import NamedTuple

from beha2vec_core.store.anonymous import SCHEMA as ANONYMOUS


class Reader(NamedTuple):
    """What may be read by who asks."""

    schemas: frozenset[str]
    table_functions: frozenset[str]


_SERIES = frozenset({"unnest", "range", "generate_series"})
MODEL = Reader(frozenset({ANONYMOUS}), _SERIES)
PERSON = Reader(frozenset({"beha2vec", "ga4", ANONYMOUS}), _SERIES | {"user_clusters_as_of", "user_embeddings_as_of"})

# Functions that compute from their arguments alone. Not here: what reads files, settings, sequences, the session or the
# server (`read_*`, `glob`, `current_setting`, `nextval`, `query`, ...), what sleeps, and what takes SQL as text.
_FUNCTIONS = """
    unnest range generate_series count count_star count_if countif sum avg mean median mode min max any_value first
    last arg_max arg_min argmax argmin max_by min_by quantile quantile_cont quantile_disc approx_quantile
    approx_count_distinct stddev stddev_pop stddev_samp variance var_pop var_samp covar_pop covar_samp corr skewness
    kurtosis mad entropy product fsum favg kahan_sum sem regr_slope regr_intercept regr_r2 regr_count regr_avgx
    regr_avgy bool_and bool_or bit_and bit_or bit_xor list array_agg string_agg group_concat listagg histogram
    geomean geometric_mean weighted_avg wavg grouping grouping_id row_number rank dense_rank percent_rank cume_dist
    ntile lag lead first_value last_value nth_value abs ceil ceiling floor round round_even trunc sign sqrt cbrt exp
    ln log log2 log10 pow power mod fmod fdiv divide add subtract multiply sin cos tan asin acos atan atan2 pi
    radians degrees greatest least gcd lcm factorial isnan isinf isfinite random hash md5 sha256 nextafter even
    signbit coalesce ifnull nullif if case constant_or_null typeof lower upper lcase ucase length len char_length
    character_length strlen trim ltrim rtrim lpad rpad left right substring substr replace translate concat
    concat_ws contains starts_with ends_with prefix suffix instr position strpos split split_part string_split
    str_split string_split_regex regexp_matches regexp_full_match regexp_extract regexp_extract_all regexp_replace
    regexp_escape repeat reverse ascii chr unicode ord format printf format_bytes levenshtein damerau_levenshtein
    jaccard jaro_similarity jaro_winkler_similarity hamming strip_accents nfc_normalize like_escape ilike_escape
    not_like_escape not_ilike_escape url_decode bar hex to_base64 array_to_string date_trunc datetrunc date_part
    datepart date_diff datediff date_sub datesub date_add age year quarter month week day hour minute second
    millisecond microsecond dayofweek dayofmonth dayofyear weekday isodow isoyear weekofyear yearweek dayname
    monthname last_day days_in_month epoch epoch_ms epoch_us epoch_ns make_date make_time make_timestamp
    to_timestamp to_days to_hours to_minutes to_seconds to_months to_years to_weeks to_milliseconds to_microseconds
    strftime strptime try_strptime time_bucket timezone now today current_date get_current_timestamp
    get_current_time current_localtimestamp current_localtime transaction_timestamp century decade list_value
    list_pack list_aggregate list_aggr array_aggregate aggregate list_sum list_avg list_min list_max list_count
    list_median list_mode list_first list_last list_any_value list_string_agg list_stddev_pop list_stddev_samp
    list_var_pop list_contains list_has array_contains array_has list_has_any list_has_all list_position
    list_indexof list_distinct list_unique list_sort list_reverse_sort list_reverse list_filter list_transform
    list_apply list_reduce list_zip list_concat list_cat list_append list_prepend list_slice array_slice
    list_extract array_extract list_element element_at list_resize list_select list_where list_intersect
    list_grade_up flatten filter apply array_filter array_transform array_length array_distinct array_sort
    array_position array_concat array_append list_distance list_cosine_similarity list_cosine_distance
    list_inner_product list_dot_product array_value array_distance array_cosine_similarity array_cosine_distance
    array_inner_product array_dot_product struct_pack struct_extract row map map_keys map_values map_extract
    map_entries map_from_entries map_contains cardinality json_extract json_extract_string json_array_length
    json_keys json_type json_valid json_object json_array json_extract_path json_extract_path_text json_value
    json_exists to_json json_contains equi_width_bins
"""
# how DuckDB's parser calls operators
_OPERATORS = """
    ! != !__postfix !~~ !~~* % & && * ** + - -> ->> / // < << <= <> <@ = > >= >> @ @> ^ ^@ __between __cast | || ~
    ~~ ~~* ~~~
"""

FUNCTIONS = frozenset(_FUNCTIONS.split())
OPERATORS = frozenset(_OPERATORS.split())
