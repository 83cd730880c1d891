"""Whether every link inside a built site leads somewhere: `python docs/check_links.py FOLDER`. Asks no network."""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links of a page, and the places in it that links may name."""

    def __init__(self, text):
        super().__init__()
        self.links, self.places = set(), {"", "top"}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.places.update(filter(None, (given.get("id"), given.get("name"))))
        for key in ("href", "src"):
            if given.get(key) and tag != "base":
                self.links.add(given[key])


def broken(folder):
    """(page, link) of each that leads nowhere."""
    pages = {
        p: Page(p.read_text(encoding="utf-8"))
        for p in folder.rglob("*.html")
        if not {"explore", "_static"} & set(p.parts)
    }
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            known = pages.get(target)
            if not target.exists() or (known and unquote(parts.fragment) not in known.places):
                yield path.relative_to(folder), link


def main():
    folder = Path(sys.argv[1]).resolve()
    found = sorted(broken(folder))
    for path, link in found:
        print(f"{path}: {link} leads nowhere")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
