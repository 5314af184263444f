"""The bundled label sets of industries: each one loads, and rules give pages of such a site their type."""

from pathlib import Path

import pandas as pd
import pytest

from beha2vec_core.pages import classify_pages, load_labels, parse_steps
from beha2vec_core.pages.labels import SETS, LabelFileError
from beha2vec_core.pages.own_types import OwnTypes

INDUSTRIES = [name for name in SETS if name not in ("default", "common")]
# a small site of each industry: address, title, type
SITES = {
    "travel": """
        / | Fernweh Reisen | homepage
        /reisen | Alle Reisen | tour_list
        /reisen/norwegen | Reisen nach Norwegen | destination tour_list
        /reisen/norwegen/fjorde-mit-dem-schiff-8812 | Fjorde mit dem Schiff, 10 Tage | tour
        /hotels/bergen/hotel-am-hafen-311 | Hotel am Hafen | hotel
        /ratgeber/packliste-fuer-den-norden | Packliste für den Norden | article
        /buchung/8812/reisende | Wer reist mit? | booking
        /buchung/danke | Vielen Dank | booking_confirmation
        /mein-konto | Mein Konto | signed_in
        /merkliste | Ihre Merkliste | signed_in
        /kontakt | Kontakt | support
        /impressum | Impressum | policy
    """,
    "books_media": """
        / | Livres du Port | homepage
        /livres/romans | Romans | book_list
        /livres/romans/la-mer-au-loin-9782070 | La mer au loin | book
        /auteurs/claire-vasseur | Claire Vasseur | author
        /panier | Votre panier | cart
        /commande/paiement | Paiement | checkout
        /agenda | Agenda des rencontres | event_list
        /mentions-legales | Mentions légales | policy
    """,
    "real_estate": """
        / | Casa Norte | homepage
        /properties | Properties for sale | property_list
        /properties/porto/three-bedroom-flat-by-the-river-20931 | Three bedroom flat by the river | property
        /properties/porto/old-town-house-with-garden-20944 | Old town house with garden | property
        /agents/ana-duarte | Ana Duarte | agent
        /mortgage-calculator | Mortgage calculator | calculator
        /enquiry/20931 | Ask about this property | enquiry
        /enquiry/thank-you | Thank you | enquiry_sent
        /guides/how-to-buy-at-auction | How to buy at auction | article
        /privacy | Privacy | policy
    """,
    "finance": """
        / | Northbank | homepage
        /accounts/everyday-account | Everyday account | product
        /loans/personal-loan | Personal loan | product
        /loans/car-loan | Car loan | product
        /insurance/home-insurance | Home insurance | product
        /loans | Loans | product_list
        /loans/calculator | Loan calculator | calculator
        /loans/apply/your-details | Your details | application
        /loans/apply/thank-you | Thank you, we have your application | application_sent
        /interest-rates | Interest rates | rates
        /branches/leeds | Leeds branch | store_finder
        /login | Log in | signed_in
        /guides/how-credit-scores-work | How credit scores work | article
        /help/lost-card | I lost my card | support
    """,
    "public_services": """
        / | Stadt Auental | homepage
        /leistungen | Alle Leistungen | service_list
        /leistungen/personalausweis-beantragen | Personalausweis beantragen | service
        /leistungen/wohnsitz-ummelden | Wohnsitz ummelden | service
        /aemter/buergerbuero | Bürgerbüro | office
        /aktuelles | Aktuelles | article_list
        /aktuelles/2025/03/neue-bruecke-eroeffnet | Neue Brücke eröffnet | article
        /veranstaltungen | Veranstaltungen | event_list
        /formulare/danke | Vielen Dank | application_sent
        /datenschutz | Datenschutz | policy
    """,
    "university": """
        / | Universidad del Valle | homepage
        /grados | Todos los grados | degree_list
        /grados/grado-en-fisica | Grado en Física | degree
        /grados/grado-en-derecho | Grado en Derecho | degree
        /facultades/ciencias | Facultad de Ciencias | department
        /personal/maria-ortega | María Ortega | person
        /noticias/2025/02/premio-nacional-de-fisica | Premio nacional de física | article
        /agenda | Agenda | event_list
        /admision/solicitud | Solicitud | application
        /biblioteca | Biblioteca | library
        /privacidad | Privacidad | policy
    """,
    "jobs": """
        / | Werkstelle | homepage
        /jobs | Alle Jobs | vacancy_list
        /jobs/pflegefachkraft-in-ulm-44120 | Pflegefachkraft in Ulm | vacancy
        /jobs/baecker-in-kempten-44133 | Bäcker in Kempten | vacancy
        /arbeitgeber/klinik-am-see | Klinik am See | employer
        /bewerben/44120 | Bewerben | application
        /bewerben/danke | Danke für Ihre Bewerbung | application_sent
        /gehaltsrechner | Gehaltsrechner | salary_tool
        /ratgeber/so-gelingt-das-anschreiben | So gelingt das Anschreiben | article
        /preise | Preise für Arbeitgeber | prices
        /login | Anmelden | signed_in
    """,
    "saas_docs": """
        / | Gridline | homepage
        /docs | Documentation | docs_list
        /docs/tutorials/your-first-pipeline | Your first pipeline | tutorial
        /docs/api/create-a-job | Create a job | reference
        /docs/guides/rotate-keys | Rotate keys | guide
        /docs/concepts/partitions | Partitions | concept
        /blog/why-we-rewrote-the-scheduler | Why we rewrote the scheduler | article
        /pricing | Pricing | pricing
        /signup | Start your trial | signup
        /changelog/2025-03 | March 2025 | release_notes
        /support/contact | Contact support | support
    """,
    "marketplace": """
        / | Rommelmarkt | homepage
        /annunci/biciclette | Biciclette usate | listing_list
        /annunci/biciclette/bici-da-corsa-rossa-90211 | Bici da corsa rossa | listing
        /annunci/biciclette/mountain-bike-29-90240 | Mountain bike 29 | listing
        /venditori/paolo-r | Paolo R. | seller
        /inserisci-annuncio | Inserisci un annuncio | sell
        /messaggi | Messaggi | messages
        /tariffe | Tariffe per venditori | fees
        /privacy | Privacy | policy
        /aiuto | Aiuto | support
    """,
}


@pytest.mark.parametrize("name", INDUSTRIES)
def test_rules_know_the_pages_of_a_set(name: str, tmp_path: Path) -> None:
    file = tmp_path / "labels.yml"
    file.write_text(f"extends: {name}\n", encoding="utf-8")
    labels = load_labels(file)
    assert labels.own_themes and labels.own_page_types
    # each type is taken for a kind that rules know, by what the file says
    assert {mapped.why for mapped in OwnTypes(labels.page_types).mapped.values()} <= {"like", "name"}
    expected = [tuple(part.strip() for part in line.split("|")) for line in SITES[name].strip().splitlines()]
    pages = pd.DataFrame({
        "page_key": [f"site.example{path.rstrip('/')}" for path, _, _ in expected],
        "page_path": [path for path, _, _ in expected],
        "page_title": [title for _, title, _ in expected],
        "hostname": "site.example",
        "page_views": 1,
    })  # fmt: skip
    found = classify_pages(pages, labels=labels, steps=parse_steps("rules"), progress=False).pages
    types = found.set_index("page_key")["page_type"]
    wrong = [
        (path, types[key], right)
        for key, (path, _, right) in zip(pages["page_key"], expected, strict=True)
        if types[key] not in right.split()
    ]
    assert not wrong


def test_a_file_adds_to_a_set(tmp_path: Path) -> None:
    file = tmp_path / "labels.yml"
    file.write_text("extends: travel\nthemes: {hiking: walking holidays, golf: golf courses}\n", encoding="utf-8")
    themes = {label.name: label.description for label in load_labels(file).themes}
    assert themes["hiking"] == "walking holidays"
    assert {"golf", "beach"} <= set(themes)


def test_a_set_that_does_not_exist_is_named_with_those_that_do(tmp_path: Path) -> None:
    file = tmp_path / "labels.yml"
    file.write_text("extends: farming\n", encoding="utf-8")
    with pytest.raises(LabelFileError, match=r"'travel' .*not 'farming'"):
        load_labels(file)
