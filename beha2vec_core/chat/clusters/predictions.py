"""Answers from predictions: how many users are expected to do something, who they are, and how right this was."""

from __future__ import annotations

import re
from dataclasses import replace

from beha2vec_core.chat.answers.answer import LookupAnswer, Prediction
from beha2vec_core.chat.clusters import questions
from beha2vec_core.chat.clusters.text import expected_line, likely_line, predicted_days, revenue_line, total_line
from beha2vec_core.chat.data.database import NotInData
from beha2vec_core.chat.data.predictions import BOUGHT_BEFORE, GROUPS_OF_USERS, NEVER_BOUGHT
from beha2vec_core.chat.data.published import Overview, Published
from beha2vec_core.chat.reading.question import Reading
from beha2vec_core.clusters import TOO_LITTLE_EVIDENCE
from beha2vec_core.predictions.gate import MODEL
from beha2vec_core.predictions.judged import sentences
from beha2vec_core.predictions.targets import PURCHASE
from beha2vec_core.predictions.wording import did, does
from beha2vec_core.profiles.text import clean_text
from beha2vec_core.semantic.definitions import DIMENSIONS
from beha2vec_core.store.sql import quote
from beha2vec_core.words import counted, day, days

_MUCH_LONGER = 1.2  # than the longest horizon: a month of 31 days is not
_GROUPS = 12  # that are shown


class PredictionAnswers:
    """Answers from the predictions of the published database."""

    def __init__(self, published: Published) -> None:
        """Read nothing yet."""
        self._data = published

    def asked(
        self, question: str, unnamed: str, reading: Reading, keys: list[int], overview: Overview
    ) -> LookupAnswer | str | None:
        """The prediction that a question asks for, or why there is none; None where it asks for no prediction.

        Args:
            unnamed: the question without the names of clusters.
            reading: of it, as a question about metrics.
        """
        predicted = self._data.predicted()
        target = questions.target_asked(unnamed, predicted)
        if questions.asks_how_right(unnamed):
            found = self.how_right(target or PURCHASE, question)
            return replace(found, text=f"{found.text}\nClusters were not tested one by one.") if keys else found
        if not target:
            return None
        of_some, bought = questions.of_buyers(question, target)
        did = {one.table for some in reading.filters for one in some.did}
        if did - ({"purchases"} if bought is not None else set()):
            return questions.OF_SOME
        groups = [name for name in reading.by if name != "cluster" and DIMENSIONS[name].kind != "time"]
        of_users = groups[0] if len(groups) == 1 and groups[0] in GROUPS_OF_USERS and not keys else None
        known = ["cluster", "page_type"]
        known += (
            ["new_or_returning"] if bought is not None and not re.search(r"(?i)\b(?:new|returning)\b", of_some) else []
        )
        others = [one.dimension for one in reading.filters if not one.did and one.dimension not in known]
        labels = [name.replace("_", " ") for name in others] + [
            DIMENSIONS[one].label for one in groups if one != of_users
        ]
        if labels:
            which = f"{'by' if groups else 'of one'} {labels[0]}{' within a cluster' * bool(groups and keys)}"
            return f"Predictions are available by cluster, country, device, browser and system, not {which}."
        if reading.period:
            return "Predictions are only for the days after the last one in the data."
        if problem := questions.not_predicted(question, reading.unknown, reading.kinds, predicted):
            if problem == questions.OF_SITE and (of_known := questions.of_known_buyers(question, reading.unknown)):
                found = self.predictions(target, of_known, keys, overview)
                return replace(found, text=f"{questions.NO_ORDERS}\n\n{found.text}")
            return "" if reading.asks_cause else problem
        if bought is not None and re.search(r"(?i)\b(?:more|less) likely\b", question):
            return self.predictions_by(BOUGHT_BEFORE, target, question)
        if of_users:
            return self.predictions_by(of_users, target, question)
        return self.predictions(target, question, keys, overview)

    def predictions(self, target: str, question: str, keys: list[int], overview: Overview) -> LookupAnswer:
        """How many users of each cluster are expected to do something, or not to, and where asked, which users."""
        horizon, notes = self._horizon(target, question)
        asked, longest = questions.days_asked(question), self._data.horizons(target).days[-1]
        question, bought = questions.of_buyers(question, target)
        least, limit = questions.asks_unlikely(question, target), questions.users_asked(question)
        lists_users, share = questions.asks_users(question), questions.asks_share(question)
        if asked is not None and asked > _MUCH_LONGER * longest and not lists_users:
            raise NotInData(predicted_days(self._data.horizons(target).days))
        every = self._data.expected(target, horizon, bought)
        expected = [(key, one.denied if least else one) for key, one in every.items() if not keys or key in keys]
        currency, money = self._currency(target)
        who = "" if bought is None else f" who have {BOUGHT_BEFORE if bought else NEVER_BOUGHT}"
        what, some = f"{'Not expected' if least else 'Expected'} to {does(target)}", [one for _, one in expected]
        is_revenue = target == PURCHASE and questions.asks_revenue(question)
        lines = [total_line(what, horizon, some, currency, who=who, share=share)]
        lines = [revenue_line(horizon, some, currency), *notes] if is_revenue else [*lines, *notes]
        if expected:
            by_share = questions.asks_most_likely(question)
            order = {key: one.share if by_share else one.expected for key, one in expected}
            expected.sort(key=lambda one: (one[0] == TOO_LITTLE_EVIDENCE, -order[one[0]]))
            lines += ["", f"By cluster{', the highest share first' * by_share}:"]
            lines += [
                expected_line(f"cluster {key}, {overview.names.get(key, '?')}", one, currency, share=share or by_share)
                for key, one in expected
            ]
        cluster = keys[0] if len(keys) == 1 else None
        likely = self._data.likely_users(target, horizon, cluster=cluster, bought=bought, least=least, limit=limit)
        if lists_users:
            lines += ["", f"Users with the {'lowest' if least else 'highest'} probability to {does(target)}:"]
            lines += [likely_line(row) for row in likely]
            if any(row["reasons"] for row in likely):
                lines += ["", "After each user: what raises the probability most; the numbers say how strongly."]
        if likely:
            lines += ["", f"As of {day(likely[0]['as_of'])}."]
        has_ends = lists_users and any("% (" in likely_line(row) for row in likely)
        of_one = " and 90% intervals of each user's probability" * has_ends
        lines += [f"In brackets: 95% intervals of the number of users{of_one}."]
        if lists_users:
            lines += ["A high probability does not mean that contacting the user has an effect."]
        lines += [money] if money and not currency else []
        where = f"where target = {quote(target)} and horizon = {horizon}"
        users = "beha2vec.user_predictions_current"
        if bought is not None:
            users += " join ga4.dim_ga4__users using (property_id, user_key)"
            where += f" and coalesce(purchases, 0) {'>' if bought else '='} 0"
        clusters = "beha2vec.cluster_predictions" if bought is None else users
        ordered = f"order by probability {'' if least else 'desc '}limit {limit}"
        return LookupAnswer(
            "\n".join(lines),
            statements=[f"from {clusters} {where}", f"from {users} {where} {ordered}"][: 1 + lists_users],
            tool=("predictions", {"target": target, "days": horizon}),
            predicted=Prediction(target, horizon, tuple(keys), is_revenue, bought, least),
            cluster=cluster,
        )

    def predictions_by(self, dimension: str, target: str, question: str) -> LookupAnswer:
        """How many users of each country, device ... are expected to do something."""
        horizon, notes = self._horizon(target, question)
        asked, bought = questions.of_buyers(question, target) if dimension != BOUGHT_BEFORE else (question, None)
        least, every = (
            questions.asks_unlikely(asked, target),
            self._data.expected_by(target, horizon, dimension, bought),
        )
        expected = {name: one.denied for name, one in every.items()} if least else every
        who = "" if bought is None else f" who have {BOUGHT_BEFORE if bought else NEVER_BOUGHT}"
        currency, _ = self._currency(target)
        share = questions.asks_share(question)
        what = f"{'Not expected' if least else 'Expected'} to {does(target)}"
        lines = [total_line(what, horizon, expected.values(), currency, who=who, share=share), *notes]
        named = [(clean_text(name, limit=80) if name else "(unknown)", one) for name, one in expected.items()]
        named.sort(key=lambda one: -one[1].expected)
        is_of_visit = dimension != BOUGHT_BEFORE
        lines += ["", f"By {DIMENSIONS[dimension].label} of the latest visit:" if is_of_visit else "By orders so far:"]
        lines += [expected_line(name, one, currency, share=share) for name, one in named[:_GROUPS]]
        lines += [f"  - {len(named) - _GROUPS} more"] if len(named) > _GROUPS else []
        lines += ["", "In brackets: 95% intervals of the number of users."]
        return LookupAnswer(
            "\n".join(lines),
            statements=[
                f"from beha2vec.user_predictions_current join ga4.dim_ga4__users using (property_id, user_key) "
                f"where target = {quote(target)} and horizon = {horizon}"
            ],
            predicted=Prediction(target, horizon, bought=bought, least=least),
        )

    def how_right(self, target: str, question: str) -> LookupAnswer:
        """How right the model was on earlier dates, of which it is known what users then did."""
        horizon, notes = self._horizon(target, question)
        where = "target = ? and horizon = ? and method = ? and prediction_version in (select prediction_version from "
        where += "beha2vec.prediction_model_current)"
        rows = self._data.table("prediction_evaluation", where, [target, horizon, MODEL], "metric")
        found = {row["metric"]: row for row in rows}
        if not found:
            raise NotInData(" ".join(notes).rstrip(".") or "the predictions were not tested")
        lines = [f"How right the predictions of who will {does(target)} within {horizon} days were:", *notes]
        lines += [f"  - {text}" for text in sentences(found, target)]
        about = next(iter(found.values()))
        if about["tested_from"] and about["tested_until"]:
            tested = days(about["tested_from"], about["tested_until"])
            lines += ["", f"Tested as of earlier dates ({tested}): {counted(about['n'], 'score')} of users were "
                      f"compared with whether they then {did(target)}."]  # fmt: skip
        lines += ["The test shows how well the model separates users, not whether contacting them has an effect."]
        statement = f"from beha2vec.prediction_evaluation where target = {quote(target)} and horizon = {horizon}"
        return LookupAnswer("\n".join(lines), statements=[statement], predicted=Prediction(target, horizon))

    def _horizon(self, target: str, question: str) -> tuple[int, list[str]]:
        """The days that are nearest to those of the question, and what to say of them."""
        horizons, asked = self._data.horizons(target), questions.days_asked(question)
        horizon = horizons.nearest(asked)
        notes = [note] if (note := horizons.note(horizon)) else []
        if asked is not None and asked not in horizons.days:
            notes.append(f"P{predicted_days(horizons.days)[1:]}. The nearest is shown.")
        return horizon, notes

    def _currency(self, target: str) -> tuple[str, str]:
        """The currency of expected revenue, and what is said of it."""
        money = self._data.money() if target == PURCHASE else ""
        found = re.fullmatch(r"Money is in (\w+)\.", money)
        return found[1] if found else "", money
