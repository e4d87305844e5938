"""How fast the page of `harness report --page` is with very many items, in Chromium: python bench/page.py

The data are made up, as the browser does not mind: `tests/made_pages.py`."""

from __future__ import annotations

import json
import platform
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import made_pages  # noqa: E402

ITEMS, ROWS, ROUNDS = 100_000, 2, 5
RESULT = ROOT / "bench" / "results" / "page.json"

# Until the counts stand in the first screen, from the begin of the navigation.
COUNTED = """() => document.querySelector('.square strong')
  && document.querySelector('.count').textContent && performance.now()"""
TEXTS = "() => document.querySelector('.list .row .text bdi')?.textContent && performance.now()"
# Two seconds of scrolling, 3,000 pixels a frame: the time between frames, and what the page itself takes of one.
SCROLL = """async () => {
  const list = document.querySelector(".list");
  list.scrollIntoView();
  const frames = [];
  let last = await new Promise(requestAnimationFrame);
  for (let frame = 0; frame < 120; frame++) {
    list.scrollTop += 3000;
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - last);
    last = now;
  }
  return frames;
}"""
SEARCH = """async () => {
  const field = document.querySelector("input[type=search]");
  const count = document.querySelector(".count");
  const begun = performance.now();
  field.value = "market quarter 77";
  field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
  while (!count.textContent.includes(" of ")) await new Promise((done) => setTimeout(done, 1));
  return performance.now() - begun;
}"""
FILTER = """async () => {
  const count = document.querySelector(".count");
  const begun = performance.now();
  document.querySelector("[data-filter='pair=only-a']").click();
  while (!count.textContent.includes(" of ")) await new Promise((done) => setTimeout(done, 1));
  return performance.now() - begun;
}"""


def measure(browser: Browser, address: str) -> dict[str, float]:
    """One opening in a fresh window: milliseconds."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(address, wait_until="commit")
    counted = page.wait_for_function(COUNTED, polling=5).json_value()
    texts = page.wait_for_function(TEXTS, polling=5).json_value()
    frames = sorted(page.evaluate(SCROLL))
    found = {
        "first_screen_counted_ms": counted,
        "texts_listed_ms": texts,
        "frame_median_ms": statistics.median(frames),
        "frame_95th_ms": frames[int(0.95 * len(frames))],
        "filter_ms": page.evaluate(FILTER),
    }
    page.locator(".chip").first.click()
    page.wait_for_function("() => !document.querySelector('.count').textContent.includes(' of ')")
    found["first_search_ms"] = page.evaluate(SEARCH)
    context.close()
    return found


def main() -> None:
    """Opens one file several times."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        path = Path(folder) / "page.html"
        path.write_text(made_pages.page(made_pages.classes(ITEMS, ROWS)))
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        rounds = [measure(browser, path.as_uri()) for _ in range(ROUNDS)]
        result = {
            "machine": f"{platform.machine()}, Chromium {browser.version}, headless",
            "items": ITEMS,
            "rows": ROWS,
            "file_mb": round(path.stat().st_size / 1e6, 1),
            "rounds": ROUNDS,
            **{name: round(statistics.median(each[name] for each in rounds), 1) for name in rounds[0]},
        }
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
