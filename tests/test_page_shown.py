"""The page as it looks: on any screen, on paper, read aloud, with data that would act, and with very many items."""

import base64
import gzip
import re

import made_pages
import pytest
from browsing import aside, kept, number, shown, unfold
from hostile import TEXTS

pytestmark = pytest.mark.slow

WIDTHS = [(1280, 900), (390, 844)]
ACTS = [
    *TEXTS,
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "{{style}}",
    '" autofocus onfocus=alert(1) x="',
    "__proto__",
    "constructor",
]


def hostile(value, turn=0):
    """``value`` with text that would act in place of every text that is no name of the contract's."""
    if isinstance(value, dict):
        return {
            key: each if key in ("sort", "across") else hostile(each, turn + len(key)) for key, each in value.items()
        }
    if isinstance(value, list):
        return [hostile(each, turn + place) for place, each in enumerate(value)]
    return ACTS[turn % len(ACTS)] if isinstance(value, str) else value


@pytest.mark.parametrize("start", range(0, len(ACTS), 16))
def test_nothing_in_the_data_acts(reader, start):
    data = hostile(made_pages.classes(70, labels=[f"label {i}" for i in range(14)]), start)
    data["items"]["ids"] = [f"{each} {i}" for i, each in enumerate((ACTS * 2)[:70])]
    data["table"]["classes"]["said"] = [f"{each} {i}" for i, each in enumerate(data["table"]["classes"]["said"])]
    page = reader.open(made_pages.page(data, hostile(made_pages.graded(20)), title=ACTS[start]))
    unfold(page)
    for each in page.locator("[data-filter]:not([disabled])").all()[:4]:
        each.click()
        kept(page)
        each.click()
    page.keyboard.press("o")
    for _ in range(7):
        page.wait_for_selector(".answers")
        unfold(page)
        page.keyboard.press("j")
    assert page.locator("script").count() == page.locator("script[id], script[type=module]").count()
    assert page.locator("img, iframe, b, a, [onerror], [onfocus]").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), WIDTHS)
def test_breaks_no_rule_of_accessibility(reader, axe, width, height, scheme):
    def broken():
        return page.evaluate(axe + "; axe.run().then((found) => found.violations.map((each) => each.id))")

    data = made_pages.page(made_pages.classes(50), made_pages.graded(20))
    page = reader.open(data, width=width, height=height, color_scheme=scheme)
    assert broken() == []
    page.keyboard.press("o")
    page.wait_for_selector(".answers")
    unfold(page)
    assert broken() == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    assert broken() == []
    page.evaluate("document.querySelector('dialog[open]').append(document.createElement('button'))")
    assert broken() == ["button-name"]  # it does judge


@pytest.mark.parametrize(("width", "height"), WIDTHS)
def test_no_page_is_wider_than_its_window(reader, width, height):
    long = "word" * 200
    data = made_pages.classes(60, 6, labels=["short", long, "other"], texts=[long, "x y " * 500])
    data["items"]["ids"][0] = long
    page = reader.open(made_pages.page(data, made_pages.graded(20)), width=width, height=height)
    assert aside(page) == 0
    page.keyboard.press("o")
    page.wait_for_selector(".answers")
    unfold(page)
    assert aside(page) == 0
    box = page.locator(".sheet").bounding_box()
    assert (box["width"] == width) == (width == 390)
    assert box["x"] + box["width"] <= width
    assert page.locator(".sheet").evaluate("(sheet) => sheet.scrollWidth <= sheet.clientWidth")


def test_a_narrow_window_shows_an_item_on_a_sheet_that_closes(reader):
    page = reader.open(made_pages.page(made_pages.classes(50)), width=390, height=844)
    page.get_by_role("button", name="Show items").click()
    page.locator(".list .row").first.click()
    page.wait_for_selector(".answers")
    box = page.locator(".sheet").bounding_box()
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 390, 844)
    page.get_by_role("button", name="Next item").click()
    page.locator(".sheet h2", has_text="item-1").wait_for()
    page.get_by_role("button", name="Close").click()
    page.wait_for_selector(".sheet", state="hidden")


def test_dark_is_as_the_system_has_it_until_somebody_chooses(reader):
    def ground(page):
        return sum(map(int, re.findall(r"\d+", page.evaluate("() => getComputedStyle(document.body).backgroundColor"))))

    html = made_pages.page(made_pages.classes(20))
    light, dark = reader.open(html), reader.open(html, color_scheme="dark")
    assert ground(dark) < 150
    assert ground(light) > 600
    light.get_by_role("button", name="Dark").click()
    assert ground(light) < 150
    light.reload()
    assert ground(light) < 150
    light.get_by_role("button", name="Light").click()
    assert ground(light) > 600


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), WIDTHS)
def test_axe_finds_nothing_serious(reader, width, height, scheme):
    from axe_playwright_python.sync_playwright import Axe

    many = made_pages.classes(200, 2, [f"intent {i}" for i in range(20)])
    file = reader.write(made_pages.page(made_pages.classes(80, 6), made_pages.graded(40), many))
    # axe is put into the page as a script, which the file's own policy would not let in.
    options = {"width": width, "height": height, "color_scheme": scheme, "bypass_csp": True}
    for address in ("#", "#pair=only-a&part0=1&id=item-5", "#table=1&id=item-2", "#table=2&search=nothing"):
        page = reader.open(file + address, **options)
        if "id=" in address:
            page.wait_for_selector(".answers")
        unfold(page)
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        bad = [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in ("serious", "critical")]
        assert bad == [], address


def test_a_changed_count_is_said_and_a_chosen_row_is_marked(reader):
    page = reader.open(made_pages.page(made_pages.classes(50)))
    assert page.get_by_role("status").inner_text() == "50 items"
    assert page.get_by_role("listbox").get_attribute("aria-activedescendant") == "row-0"
    page.keyboard.press("o")
    page.wait_for_selector(".answers")
    row = page.locator(".list [aria-selected=true]")
    assert (row.get_attribute("aria-posinset"), row.get_attribute("aria-setsize")) == ("1", "50")
    for landmark in ("banner", "navigation", "main", "search"):
        assert page.get_by_role(landmark).count() == 1


def test_on_paper_are_the_report_and_the_open_item(reader):
    page = reader.open(made_pages.page(made_pages.classes(500)), "#id=item-4", color_scheme="dark")
    page.wait_for_selector(".answers")
    screen = page.pdf()
    assert screen.startswith(b"%PDF")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", screen)) <= 12
    page.emulate_media(media="print")
    for part in ("#result table", ".square", ".matrix", ".slices", ".diagram", ".sheet h2"):
        assert page.locator(part).first.is_visible(), part
    for part in (".bar", ".list", "nav", ".copy"):
        assert not page.locator(part).first.is_visible(), part
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_without_javascript_or_in_an_old_browser_the_page_says_what_it_needs(reader):
    html = made_pages.page(made_pages.classes(20))
    page = reader.open(html, ready=False, java_script_enabled=False)
    assert page.locator("noscript p").is_visible()
    context = reader.chromium.new_context()
    context.add_init_script("delete window.DecompressionStream")
    old = context.new_page()
    old.goto(reader.write(html))
    assert old.get_by_role("alert").inner_text().startswith("This browser is too old for this page")
    context.close()


@pytest.mark.parametrize("block", ["summary", "items-0", "answers-0-0"])
def test_a_damaged_file_says_which_block_cannot_be_read(reader, block):
    cut = base64.b64encode(gzip.compress(b'{"ids": [')).decode()
    html = re.sub(rf'(id="{block}">)[^<]*', rf"\g<1>{cut}", made_pages.page(made_pages.classes(20)))
    page = reader.open(html, "#id=item-1", ready=False)
    page.get_by_role("alert").wait_for()
    assert f"The block {block} of this file cannot be read" in page.get_by_role("alert").inner_text()


def test_a_hundred_thousand_items_are_counted_and_scrolled(reader):
    data = made_pages.classes(100_000, 2)
    page = reader.open(made_pages.page(data))
    counts = [number(each.split(":")[1]) for each in page.locator(".square .cell").all_inner_texts()]
    a, b = (data["items"]["rows"][row]["scores"] for row in (0, 1))
    both = sum(x == y == 1 for x, y in zip(a, b, strict=True))
    assert (sum(counts), counts[0]) == (100_000, both)
    items = page.locator(".list")
    for share in (0.3, 0.7, 1):
        items.evaluate(f"(list) => {{ list.scrollTop = {share} * list.scrollHeight }}")
        page.wait_for_timeout(100)
        assert 5 < page.locator(".list .row").count() < 60
    assert shown(page)[-1] == "item-99999"
    page.get_by_role("searchbox").fill("item-54321")
    page.wait_for_function("() => document.querySelector('.count').textContent === '1 of 100,000 items'")
    assert shown(page) == ["item-54321"]


def test_more_items_than_a_browser_can_scroll_are_all_reached(reader):
    n = 260_000
    page = reader.open(made_pages.page(made_pages.graded(n, texts=["one", "two"], rows=1)), f"#id=item-{n // 2}")
    page.wait_for_selector(".answers")
    selected = page.locator(".list [aria-selected=true]")
    box, around = selected.bounding_box(), page.locator(".list").bounding_box()
    assert around["y"] <= box["y"] <= around["y"] + around["height"]
    page.locator(".list").evaluate("(list) => { list.scrollTop = list.scrollHeight }")
    page.wait_for_timeout(100)
    assert shown(page)[-1] == f"item-{n - 1}"
    last = page.locator(".list .row", has_text=f"item-{n - 1}").bounding_box()
    assert last["y"] + last["height"] <= around["y"] + around["height"] + 1
