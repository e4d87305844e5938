"""A page opened in Chromium, and what its reader sees."""

from __future__ import annotations

import re
from pathlib import Path


class Reader:
    """Opens files in windows; ``wrong`` holds what no page may do: ask for anything, or complain."""

    def __init__(self, chromium, folder: Path):
        self.chromium, self.folder = chromium, folder
        self.contexts, self.wrong = [], []
        self.files = 0

    def write(self, html: str) -> str:
        """The address of a file with this content."""
        self.files += 1
        path = self.folder / f"page{self.files}.html"
        path.write_text(html)
        return path.as_uri()

    def open(self, html: str, hash: str = "", width: int = 1280, height: int = 900, ready: bool = True, **options):
        """A window with a file of its own, drawn to the last row where it is to be ``ready``."""
        address, _, given = html.partition("#") if html.startswith("file:") else (self.write(html), "", "")
        context = self.chromium.new_context(viewport={"width": width, "height": height}, **options)
        self.contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: self.wrong.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (self.wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda asked: asked.url.split("#")[0] == address or self.wrong.append(f"asked: {asked.url}"))
        page.goto(address + (f"#{given}" if given else hash))
        if ready:
            self.ready(page)
        return page

    def ready(self, page) -> None:
        """Waits until the items' texts stand in the list."""
        page.wait_for_function(
            "() => /^[\\d,]+ /.test(document.querySelector('.count')?.textContent ?? '')"
            " && [...document.querySelectorAll('.list .row .text bdi')].every((each) => each.textContent)"
        )

    def close(self) -> None:
        for context in self.contexts:
            context.close()


def kept(page) -> int:
    """How many items the page says that it keeps."""
    page.wait_for_function("() => /^[\\d,]+ /.test(document.querySelector('.count').textContent)")
    return number(page.locator(".count").inner_text())


def number(text: str) -> int:
    """The first whole number of a text."""
    return int(re.search(r"\d[\d,]*", text)[0].replace(",", ""))


def shown(page) -> list[str]:
    """The ids of the items that the list shows, from the top."""
    rows = page.evaluate(
        "() => [...document.querySelectorAll('.list .row')]"
        ".map((row) => [Number(row.dataset.at), row.querySelector('.id').textContent])"
    )
    return [name for _, name in sorted(rows)]


def pressed(page) -> list[str]:
    """The filters whose buttons are pressed."""
    return page.evaluate("() => [...document.querySelectorAll('[aria-pressed=true]')].map((b) => b.dataset.filter)")


def unfold(page) -> None:
    """Opens every part that is folded."""
    page.evaluate("() => document.querySelectorAll('details:not([open]) > summary').forEach((each) => each.click())")
    page.wait_for_function("() => [...document.querySelectorAll('details')].every((each) => each.children.length > 1)")


def aside(page) -> int:
    """By how many pixels the page is wider than its window."""
    return page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
