"""The page in a browser: what a reader clicks and types, and what stands in the address then."""

import made_pages
import numpy as np
import pages
import pytest
from browsing import kept, number, pressed, shown

pytestmark = pytest.mark.slow


@pytest.fixture
def data():
    return made_pages.classes(200)


@pytest.fixture
def page(reader, data):
    return reader.open(made_pages.page(data))


def scores(data, row):
    return np.asarray(data["items"]["rows"][row]["scores"])


def test_the_first_screen_holds_the_table_as_printed_and_the_right_counts(page, data):
    cells = page.locator("#result tbody tr:first-child").locator("th bdi, td bdi").all_inner_texts()
    assert cells == data["table"]["rows"][0]["cells"]
    assert page.locator("#result thead bdi").all_inner_texts() == data["table"]["header"]
    a, b = scores(data, 0) == 1, scores(data, 1) == 1
    flips = {"both-right": a & b, "only-a": a & ~b, "only-b": ~a & b, "both-wrong": ~a & ~b}
    for name, items in flips.items():
        assert number(page.locator(f"[data-filter='pair={name}']").inner_text().split(":")[1]) == items.sum()
    assert page.locator("#versus .lead").inner_text() == data["table"]["pairs"][0]["words"][0]
    assert page.locator(".square .cell").last.bounding_box()["y"] < 850


def test_every_count_keeps_as_many_items_as_it_says_and_lets_them_go_again(page):
    buttons = page.locator("[data-filter]:not([disabled])")
    assert buttons.count() > 25
    for place in range(buttons.count()):
        button = buttons.nth(place)
        name = button.get_attribute("data-filter")
        row = button.locator("xpath=ancestor::tr").locator("td").first
        says = row if name.startswith("part") else button
        expected = number(says.inner_text().split(":")[-1])
        button.click()
        assert pressed(page) == [name]
        assert kept(page) == expected, name
        button.click()
        assert (kept(page), pressed(page)) == (200, [])


def test_filters_are_chips_that_can_be_taken_off_one_by_one_and_all_at_once(page, data):
    page.locator("[data-filter='pair=only-a']").click()
    page.locator("[data-filter='part0=1']").click()
    a, b = scores(data, 0) == 1, scores(data, 1) == 1
    label = np.asarray(data["items"]["parts"][0]) == 1
    assert kept(page) == (a & ~b & label).sum()
    chips = page.get_by_label("Filters").get_by_role("button")
    assert [chip.get_attribute("aria-label") for chip in chips.all()] == [
        "Remove the filter only A right",
        "Remove the filter label: neutral",
        "Remove all filters",
    ]
    chips.first.click()
    assert kept(page) == label.sum()
    page.locator("[data-filter='pair=only-b']").click()
    chips.last.click()
    assert (kept(page), chips.count()) == (200, 0)


def test_a_filter_takes_the_place_of_another_of_its_kind(page, data):
    page.locator("[data-filter='pair=only-a']").click()
    page.locator("[data-filter='pair=only-b']").click()
    assert pressed(page) == ["pair=only-b"]
    assert kept(page) == ((scores(data, 0) != 1) & (scores(data, 1) == 1)).sum()


def test_choosing_rows_turns_differences_about_and_the_other_row_changes_places(page, data):
    page.get_by_label("A is model 1, 5 shots").check()
    low, high = data["table"]["pairs"][0]["gap"][1:]
    assert page.locator("#versus .lead").inner_text() == data["table"]["pairs"][0]["words"][1]
    bounds = page.locator("#versus .facts dd").first.inner_text()
    assert bounds.endswith(f"[{-high:+.3f}, {-low:+.3f}]".replace("-", "−"))
    assert page.get_by_label("B is model 0, 5 shots").is_checked()
    page.get_by_label("B is model 3, 5 shots").check()
    expected = ((scores(data, 1) == 1) & (scores(data, 3) != 1)).sum()
    assert number(page.locator("[data-filter='pair=only-a']").inner_text().split(":")[1]) == expected


def test_the_address_shows_the_same_to_others_and_the_way_back_leads_back(reader, data):
    page = reader.open(made_pages.page(data))
    page.get_by_label("B is model 2, 5 shots").check()
    page.locator("[data-filter='pair=only-a']").click()
    page.get_by_role("searchbox").fill("bank")
    page.wait_for_function("() => location.hash.includes('search=bank')")
    reader.ready(page)
    first = shown(page)[0]
    page.locator(".list .row").first.click()
    page.wait_for_selector(".answers")
    address = page.url
    assert address.endswith(f"#a=0&b=2&pair=only-a&search=bank&id={first}")

    def state(window):
        window.wait_for_selector(".answers")
        found = (kept(window), shown(window), pressed(window), window.locator(".sheet h2").inner_text())
        return *found, window.get_by_role("searchbox").input_value()

    before = state(page)
    assert state(reader.open(address)) == before
    page.reload()
    assert state(page) == before
    page.go_back()
    page.wait_for_selector(".sheet", state="hidden")
    page.go_back()
    page.wait_for_function("() => document.querySelectorAll('[aria-pressed=true]').length === 0")
    assert page.get_by_label("B is model 2, 5 shots").is_checked()
    page.go_back()
    page.wait_for_function("() => document.querySelector('input[name=b][value=\"1\"]').checked")
    assert kept(page) == 200


def test_an_address_can_be_written_by_hand_and_what_makes_no_sense_is_left_out(reader, data):
    page = reader.open(made_pages.page(data), "#id=item-150")
    page.wait_for_selector(".answers")
    assert page.locator(".sheet h2").inner_text() == "item-150"
    assert page.locator(".list [aria-selected=true] .id").inner_text() == "item-150"
    page.evaluate(
        "location.hash = '#pair=only-c&part9=1&part0=x&confused9=0.0&confused0=7&bins=9.9&status0=odd&a=77&x=y'"
    )
    page.wait_for_selector(".sheet", state="hidden")
    assert (kept(page), pressed(page)) == (200, [])
    page.evaluate("location.hash = '#id=nobody'")
    page.get_by_text("No item of this table has this id.").wait_for()


@pytest.mark.parametrize("words", ["item-77", "ITEM-77", "i CANNOT say", "warns"])
def test_search_finds_ids_inputs_and_what_was_answered_in_any_case(page, data, words):
    texts = data["texts"]["inputs"][0]["texts"]
    said = [each["raw"] for each in data["answers"][:2]]
    items = zip(data["items"]["ids"], texts, *said, strict=True)
    expected = sum(any(words.lower() in text.lower() for text in item) for item in items)
    page.get_by_role("searchbox").fill(words)
    page.wait_for_function("() => location.hash.includes('search=')")
    assert 0 < kept(page) == expected < 200


def test_a_search_that_finds_nothing_says_so_and_can_be_undone(page):
    page.get_by_role("searchbox").fill("no such words")
    page.get_by_text("0 of 200 items").wait_for()
    assert shown(page) == []
    page.get_by_role("searchbox").fill("")
    page.wait_for_function("() => document.querySelector('.count').textContent === '200 items'")


def test_the_keyboard_is_enough(page):
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_selector(".answers")
    assert page.locator(".sheet h2").inner_text() == "item-1"
    assert page.evaluate("() => document.activeElement.className") == "sheet"
    page.keyboard.press("j")
    page.locator(".sheet h2", has_text="item-2").wait_for()
    page.keyboard.press("Escape")
    page.wait_for_selector(".sheet", state="hidden")
    assert page.evaluate("() => document.activeElement.getAttribute('role')") == "listbox"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("o")
    page.locator(".sheet h2", has_text="item-3").wait_for()
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Escape")
    assert not page.get_by_role("dialog").is_visible()
    assert page.locator(".sheet").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("jo")
    assert page.get_by_role("searchbox").input_value() == "jo"
    assert not page.locator(".sheet").is_visible()


def test_keys_change_a_and_b_about_and_radios_are_reached_by_tab_and_arrows(page):
    page.keyboard.press("x")
    assert page.get_by_label("A is model 1, 5 shots").is_checked()
    page.get_by_label("A is model 1, 5 shots").focus()
    page.keyboard.press("ArrowDown")
    assert page.get_by_label("A is model 2, 5 shots").is_checked()
    page.locator("[data-filter='pair=only-a']").focus()
    page.keyboard.press("Enter")
    assert pressed(page) == ["pair=only-a"]


def test_a_reader_chooses_among_tables(reader):
    page = reader.open(made_pages.page(made_pages.classes(50), made_pages.graded(60)), "#pair=only-a&search=bank")
    page.get_by_label("Table", exact=True).select_option("1")
    page.wait_for_function("() => document.querySelector('.count').textContent === '60 items'")
    assert page.url.endswith("#table=1")
    assert not page.locator("#confusion").is_visible()
    assert page.locator("#bins").is_visible()
    page.go_back()
    page.wait_for_function("() => document.querySelector('.count').textContent.includes('of 50')")
    assert pressed(page) == ["pair=only-a"]


def test_graded_answers_are_better_or_worse_and_stand_in_bins(reader):
    data = made_pages.graded(60)
    page = reader.open(made_pages.page(data))
    a, b = scores(data, 0), scores(data, 1)
    for name, items in {"a-better": a > b, "alike": a == b, "b-better": a < b}.items():
        assert number(page.locator(f"[data-filter='pair={name}']").inner_text().split(":")[1]) == items.sum()
    bins = page.locator("#bins [data-filter]")
    assert sum(number(each) for each in bins.all_inner_texts()) == 60
    for place in range(bins.count()):
        button = bins.nth(place)
        high, wide = map(int, button.get_attribute("data-filter").removeprefix("bins=").split("."))
        inside = (np.minimum(np.floor(a * 5), 4) == high) & (np.minimum(np.floor(b * 5), 4) == wide)
        button.click()
        assert kept(page) == number(button.inner_text()) == inside.sum()


def test_slices_can_be_sorted_and_show_one_way_of_cutting(page, data):
    names = page.locator(".slices tbody th bdi:last-child")
    page.locator(".slices").get_by_role("button", name="n", exact=True).click()
    counts = [number(each) for each in page.locator(".slices tbody td:nth-child(2)").all_inner_texts()]
    assert counts == sorted(counts, reverse=True)
    assert page.locator(".slices th[aria-sort=descending]").inner_text().strip() == "n"
    page.locator(".slices").get_by_role("button", name="part", exact=True).click()
    page.get_by_label("Cut by").select_option(label="label")
    assert names.all_inner_texts() == sorted(data["table"]["cuts"][0]["parts"][i]["name"] for i in range(3))


def test_a_suspect_opens_its_item(page, data):
    suspects = data["table"]["suspects"]
    assert page.get_by_text(suspects["planted"]).is_visible()
    page.get_by_role("button", name=f"Show all {len(suspects['items'])}").click()
    last = data["items"]["ids"][suspects["items"][-1]["item"]]
    page.locator("#suspects").get_by_role("button", name=last, exact=True).click()
    page.locator(".sheet h2", has_text=last).wait_for()


def test_of_many_classes_the_worst_mistakes_are_listed_and_the_matrices_unfold(reader):
    data = made_pages.classes(3000, 2, [f"intent {i}" for i in range(77)])
    page = reader.open(made_pages.page(data))
    assert page.locator(".matrix").count() == 0
    first = page.locator(".worst tbody tr").first.locator("[data-filter]").first
    first.click()
    assert kept(page) == number(first.inner_text())
    name = first.get_attribute("data-filter")
    page.get_by_text("The whole matrices").click()
    page.locator(".matrix").last.wait_for()
    assert page.locator(".matrix").count() == 2
    assert page.locator(f".matrix [data-filter='{name}']").get_attribute("aria-pressed") == "true"


def test_a_single_row_is_shown_alone(reader):
    page = reader.open(made_pages.page(made_pages.classes(40, 1)))
    assert page.locator("#result input").count() == 0
    assert page.locator("#versus .lead").inner_text().startswith("One row: ")
    assert page.locator(".matrix").count() == 1
    page.keyboard.press("o")
    page.wait_for_selector(".answers")
    assert page.locator(".answer").count() == 1


def test_made_up_pages_hold_what_is_declared():
    tables = made_pages.classes(30), made_pages.graded(20), made_pages.spans(["a b"], [[[0, 0, 1, "X"]]], [[]])
    assert len(pages.blocks(made_pages.page(*tables))) > 10
